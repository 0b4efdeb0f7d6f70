"""onboard regions: every Region and how far it is, nearest first."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table

from onboard.cli.arguments import Commands, add_again, add_json
from onboard.cli.output import JsonLines, Show, failure_text, follow
from onboard.cli.text import LOG_WIDTH, Paper, marked, paused
from onboard.cli.workplace import placed
from onboard.home import home
from onboard.model import events
from onboard.model.errors import Problem, ProfileError
from onboard.model.outcome import sign_of_status
from onboard.model.profile import Host, Profile
from onboard.model.region_evidence import with_evidence
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.model.validation import unknown_name
from onboard.profiles.file import load_unfinished, save

BAR = 20  # characters


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("regions", help="measure the latency to every Region; changes nothing in AWS")
    parser.add_argument("--profile", "-p", type=Path, metavar="P", help="the profile, a TOML file; optional")
    parser.add_argument(
        "--from",
        dest="servers",
        action="append",
        default=[],
        metavar="HOST",
        help="also measure from this server of the profile; may be repeated",
    )
    parser.add_argument("--save", action="store_true", help="keep the recommendation and its evidence in the profile")
    add_again(parser)
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    from onboard.engine.regions import regions

    profile = load_unfinished(options.profile) if options.profile else Profile()
    servers = _servers(options, profile)
    with placed(profile, home(), forgive=options.forgive) as place:
        stream = regions(profile, place.tools, place.cancel, servers=servers, profile_path=str(options.profile or ""))
        show: Show = JsonLines()
        if not options.json:
            show = people = _People()
            place.questions.aside = people.aside
        state, code = follow(stream, show, place.cancel)
    if options.save and state.ranking is not None and state.ranking.recommended is not None:
        kept = save(with_evidence(profile, state), options.profile)
        sys.stderr.write(f"Kept in {options.profile}; its Region is {kept.region.name}.\n")
    return code


def _servers(options: argparse.Namespace, profile: Profile) -> Sequence[Host]:
    problems = []
    if options.profile is None and (options.save or options.servers):
        wanted = "--save" if options.save else "--from"
        problems.append(Problem("--profile", f"{wanted} needs a profile", "Name it: --profile FILE"))
    else:
        known = [host.name for host in profile.hosts]
        problems += [unknown_name("--from", "server", name, known) for name in options.servers if name not in known]
    if problems:
        raise ProfileError("regions", tuple(problems))
    return [host for host in profile.hosts if host.name in options.servers]


class _People:
    """Progress on standard error while it is measured, then a table and what follows from it on standard output."""

    def __init__(self) -> None:
        self._out = Paper(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
        self._err = Paper(file=sys.stderr, highlight=False, soft_wrap=True)
        # It is redrawn seldom: what draws while connects are under way makes their answers look late.
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            console=self._err,
            transient=True,
            refresh_per_second=4,
            disable=not self._err.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._bar.start()

    def aside(self) -> AbstractContextManager[None]:
        return paused(self._bar)

    def event(self, event: events.Event, state: State) -> None:
        match event:
            case events.PhaseStarted(phase="regions") if not self._err.is_terminal:
                self._err.print("Measuring Regions")
            case events.RegionsSampled():
                if event.origin not in self._tasks:
                    title = escape(f"Measuring Regions from {event.origin}")
                    self._tasks[event.origin] = self._bar.add_task(title)
                self._bar.update(self._tasks[event.origin], completed=event.done, total=event.total)
            case events.Noted(level="warning"):
                self._err.print(f"[yellow]▲[/] {escape(event.text)}")
            case events.Noted(waiting=True):
                self._err.print(escape(event.text))

    def end(self, state: State) -> None:
        self._bar.stop()
        if state.regions:
            self._out.print(_table(state))
        for line in state.ranking.why if state.ranking else ():
            self._out.print(f"{escape(line)}.")
        if state.ranking and state.ranking.via != "direct":
            self._out.print(f"Measured through: {escape(state.ranking.via)}.")
        for host in state.hosts.values():
            if host.status not in (None, HostStatus.READY):
                why = f"{host.reason}. {host.remedy}".strip(". ")
                status = marked(sign_of_status(host.status), host.status or "")
                self._out.print(f"{status} {escape(host.name)}: {escape(why)}.")
        if state.failure:
            self._err.print(f"[red]{escape(failure_text(state.failure))}[/]")


def _table(state: State) -> Table:
    """Nearest first; where there are several places, each has its own column of medians."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    regions = list(state.regions.values())
    origins = list(dict.fromkeys(one.origin for region in regions for one in region.measured))
    table.add_column("")
    table.add_column("Region", no_wrap=True)
    table.add_column("Name", no_wrap=True)
    for name in ("Median ms", "Spread ms", "Samples", "Lost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for origin in origins if len(origins) > 1 else ():
        table.add_column(f"from {origin}", justify="right")
    table.add_column("Enabled")
    table.add_column("")
    farthest = max((region.median_ms or 0.0 for region in regions), default=0.0)
    for region in regions:
        here = {one.origin: one.median_ms for one in region.measured}
        table.add_row(
            _mark(region),
            region.region,
            escape(region.long_name),
            _number(region.median_ms),
            _number(region.spread_ms),
            str(region.samples),
            str(region.lost),
            "█" * round(BAR * (region.median_ms or 0.0) / farthest) if farthest else "",
            *(_number(here.get(origin)) for origin in (origins if len(origins) > 1 else ())),
            {True: "yes", False: "no", None: "–"}[region.enabled],
            escape(_remark(region)),
        )
    return table


def _mark(region: events.Region) -> str:
    if region.recommended:
        return "[green]✓[/]"
    return "[green]≈[/]" if region.tied else "[yellow]▲[/]" if region.lossy or region.median_ms is None else ""


def _remark(region: events.Region) -> str:
    if region.recommended:
        return "recommended"
    if region.tied:
        return "tie"
    if region.median_ms is None:
        return region.error or "not measured"
    return "loses connects" if region.lossy else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
