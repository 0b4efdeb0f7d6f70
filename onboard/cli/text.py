"""A run for people: progress while it goes on, then a table of servers and the causes of what is not well."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from onboard.cli.output import failure_text
from onboard.model import events
from onboard.model.causes import causes_of
from onboard.model.changes import ChangeName, RunPhase
from onboard.model.finding import Cause, Verdict
from onboard.model.outcome import Sign, end_need, end_note, end_sign, has_warnings, sign_of_verdict, troubles
from onboard.model.plan import Change, Plan, groups_of
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.model.words import FEW, and_more, servers

COLOURS = {"ok": "green", "warn": "yellow", "bad": "red", "idle": "bright_black"}  # tone → rich's colour
PHASES = {
    RunPhase.TRUST: "Reading host keys",
    RunPhase.FACTS: "Asking servers",
    RunPhase.PLAN: "Planning",
    RunPhase.CANARY: "Canary",
    RunPhase.INSTALL: "Installing",
    RunPhase.UNDO: "Undoing",
}
ALL_ROWS = 50  # with more servers, the table holds those that are not well
HOST_EVENTS = (events.FactsGathered, events.HostKeySeen, events.HostFinished)
LOG_WIDTH = 160
PER_SECOND = 1.0  # plain progress lines at most


class Paper(Console):
    """A console whose lost reader is told as BrokenPipeError, as other files tell it: rich would end the program."""

    def on_broken_pipe(self) -> NoReturn:
        self.quiet = True
        raise BrokenPipeError


class People:
    """Shows a run on a terminal: progress on standard error, the result on standard output."""

    def __init__(self, *, kept: bool = True) -> None:
        self._kept = kept  # a run that is not has no id that would lead anywhere
        # A pipe has no width: a table for a person who reads a log later gets room for whole sentences.
        self._out = Paper(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
        err = Paper(file=sys.stderr, highlight=False, soft_wrap=True)
        self._progress = _Bar(err) if err.is_terminal else _Lines(err)
        self._err = err

    def aside(self) -> AbstractContextManager[None]:
        """Room for a question: no progress is drawn meanwhile."""
        return self._progress.aside()

    def event(self, event: events.Event, state: State) -> None:
        self._progress.event(event, state)
        match event:
            case events.AccountIdentified():
                self._err.print(escape(f"Account {event.account} as {event.arn}, Region {event.region}"))
            case events.AwsChanged():
                self._err.print(escape(f"AWS: {event.summary} ({event.subject})"))
            case events.Noted(level="warning"):
                self._err.print(f"[yellow]▲[/] {escape(event.text)}")
            case events.Noted(waiting=True):
                self._err.print(escape(event.text))

    def end(self, state: State) -> None:
        self._progress.close()
        if state.failure:
            self._err.print(f"[red]{escape(failure_text(state.failure))}[/]")
        if not state.failure or any(host.status is not HostStatus.SKIPPED for host in state.hosts.values()):
            self._servers(state)
        counts = ", ".join(
            f"{count} {status}{_warned(state, status)}" for status, count in sorted(state.counts().items())
        )
        run = f"run {state.run}" if self._kept else ""
        self._out.print("  ".join(part for part in (f"[bold]{escape(counts)}[/]" if counts else "", run) if part))

    def _servers(self, state: State) -> None:
        if state.hosts:
            self._out.print(_servers(state, "onboard report" if self._kept else "--json"))
        causes = causes_of(state.hosts.values())
        for line in _cause_lines(causes, has_rows=len(state.hosts) <= ALL_ROWS):
            self._out.print(line)
        self._commands(causes)

    def _commands(self, causes: Iterable[Cause]) -> None:
        """What can be run as it stands, each on a line of its own that no table breaks."""
        for cause in causes:
            if cause.words.commands:
                names = and_more(cause.hosts, FEW)
                self._out.print(f"[bold]{escape(cause.words.remedy_words)}[/] ({escape(names)}):")
            for command in cause.words.commands:
                self._out.print(f"  {escape(command)}", soft_wrap=True)


@contextmanager
def paused(bar: Progress) -> Iterator[None]:
    """A bar that is not drawn meanwhile, whichever thread wants it so."""
    bar.stop()
    try:
        yield
    finally:
        bar.start()


class _Bar:
    """A bar with rate and time left."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._count = _Count()
        self._bar.start()

    def event(self, event: events.Event, state: State) -> None:
        if isinstance(event, events.PhaseStarted):
            self._count = _Count(event.phase, event.total)
            if self._task is not None:
                self._bar.remove_task(self._task)
            title = PHASES.get(event.phase, event.phase)
            self._task = self._bar.add_task(title, total=event.total, rate="")
        elif self._task is not None and self._count.take(event):
            self._bar.update(self._task, completed=self._count.done, rate=self._count.rate())

    def aside(self) -> AbstractContextManager[None]:
        return paused(self._bar)

    def close(self) -> None:
        self._bar.stop()


class _Lines:
    """Plain lines, where standard error is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._count = _Count()
        self._said = 0.0
        self._unsaid = False

    def event(self, event: events.Event, state: State) -> None:
        if isinstance(event, events.PhaseStarted):
            self._say_last()
            self._count = _Count(event.phase, event.total)
            self._console.print(f"{PHASES.get(event.phase, event.phase)}: {event.total}")
        elif self._count.take(event):
            self._unsaid = True
            if self._count.is_full or time.monotonic() - self._said > PER_SECOND:
                self._say_last()

    def _say_last(self) -> None:
        """How far the phase is, unless that was the line before."""
        if self._unsaid:
            self._unsaid = False
            self._said = time.monotonic()
            self._console.print(f"  {self._count.done} of {self._count.total}, {self._count.rate()}")

    def aside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        self._say_last()


class _Count:
    """Servers that a phase is done with, never more than it has: ends of other servers may arrive after its own."""

    def __init__(self, phase: str = "", total: int = 0) -> None:
        self.done = 0
        self.total = total
        self._phase = phase
        self._hosts: set[str] = set()
        self._began = time.monotonic()

    def take(self, event: events.Event) -> bool:
        """Whether it is further now."""
        before = self.done
        if self._phase == RunPhase.PLAN:  # one plan is made for all of them
            self.done = self.total if isinstance(event, events.PlanMade) else before
        elif isinstance(event, HOST_EVENTS) or (
            isinstance(event, events.StepFinished) and event.step == ChangeName.CONFIRM
        ):
            self._hosts.add(event.host)
            self.done = min(len(self._hosts), self.total)
        return self.done > before

    @property
    def is_full(self) -> bool:
        return self.done == self.total

    def rate(self) -> str:
        return f"{self.done / max(time.monotonic() - self._began, 0.001):.1f}/s"


def _warned(state: State, status: str) -> str:
    """How many of the servers that ended so have come online with a warning."""
    online = state.hosts.values() if status == HostStatus.ONLINE else ()
    warned = sum(has_warnings(host, state.command) for host in online)
    return f" ({warned} warned)" if warned else ""


def marked(sign: Sign, text: str) -> str:
    """The sign and the text in its colour, in rich's markup."""
    return f"[{COLOURS[sign.tone]}]{sign} {text}[/]"


def _servers(state: State, all_of_them: str) -> Table:
    """Sorted by what needs a person first. `all_of_them`: what shows those that have no row."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for column in ("Server", "Status", "Node", "Why, and what to do"):
        table.add_column(column, overflow="fold", no_wrap=column in ("Status", "Node"))
    command = state.command
    hosts = sorted(state.hosts.values(), key=lambda host: end_need(host, command))
    shown = hosts if len(hosts) <= ALL_ROWS else [host for host in hosts if _deserves_a_look(host, command)]
    for host in shown[:ALL_ROWS]:
        word = f"{host.outcome(command) or 'not finished'}{end_note(host, command)}"
        status = marked(end_sign(host, command), word)
        table.add_row(escape(host.name), status, host.instance_id or "–", escape(_why(host)))
    if len(shown) > ALL_ROWS:
        table.add_row(f"… and {len(shown) - ALL_ROWS} more", "", "", f"{all_of_them} shows all")
    return table


def _deserves_a_look(host: HostState, command: str) -> bool:
    end = host.outcome(command)
    return end is None or not end.is_well or has_warnings(host, command)


def _why(host: HostState) -> str:
    """The worst of what is known, in one cell."""
    wrong = troubles(host)
    if wrong and not wrong[0].check:  # the reason of its end
        return _sentences(wrong[0].summary, wrong[0].words.remedy_words) + _said_last(host, wrong[0].summary)
    worst = [finding for finding in wrong if finding.status is Verdict.FAIL] or wrong
    told = " ".join(_sentences(finding.summary, finding.words.remedy_words) for finding in worst)
    return told + _said_last(host, told)


def _said_last(host: HostState, told: str) -> str:
    """What the server said last, where that is known and was not told."""
    said = host.evidence.strip().splitlines()[-1:]
    return f" It said: {said[0]}" if said and said[0] not in told else ""


def _sentences(*parts: str) -> str:
    return " ".join(f"{part[:1].upper()}{part[1:].rstrip('. ')}." for part in parts if part)


def _cause_lines(causes: Iterable[Cause], *, has_rows: bool) -> list[str]:
    """Equal causes, grouped, where there are more servers than one. What to do, unless each server's row says it."""
    lines = []
    for cause in causes:
        if len(cause.hosts) < 2:
            continue
        remedy = "" if has_rows else cause.words.remedy_words
        text = f"{servers(len(cause.hosts))}: {_sentences(cause.summary, remedy)} ({and_more(cause.hosts, FEW)})"
        lines.append(f"{marked(sign_of_verdict(cause.status), '')}{escape(text)}")
    return lines


def plan_text(plan: Plan) -> str:
    """A plan for people: AWS first, then servers with the same changes together."""
    lines = [f"Plan for account {plan.account}, Region {plan.region}"]
    lines += [f"  ▲ {warning}" for warning in plan.warnings]
    lines += ["AWS:"] + ([f"  {line}" for change in plan.aws for line in _change_lines(change)] or ["  nothing"])
    alike: dict[tuple[str, ...], list[str]] = {}  # groups that differ in details only read the same
    for group in groups_of(plan.hosts):
        told = tuple(line for change in group.changes for line in _change_lines(change))
        alike.setdefault(told, []).extend(group.names)
    lines.append("Servers:")
    for changes, names in alike.items():
        lines.append(f"  {len(names)} × {and_more(names, 5)}")
        lines += [f"    {line}" for line in changes] or ["    nothing"]
    if not alike:
        lines.append("  nothing")
    return "\n".join(lines)


def _change_lines(change: Change) -> list[str]:
    """What is done, and below it each value that changes: before → after."""
    altered = (f"{name}: {old} → {new}" for name, old, new in change.altered)
    return [f"+ {change.summary}", *(f"    {_in_a_line(text)}" for text in altered)]


def _in_a_line(text: str) -> str:
    """A policy without its indentation."""
    return " ".join(text.split())
