"""onboard practice: an embedded cloud and servers, to try everything without an account."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from onboard.cli.arguments import Commands, add_json
from onboard.cli.output import follow
from onboard.cli.workplace import placed, show_for
from onboard.engine.proof import Patience
from onboard.files import write_private
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.errors import OnboardError
from onboard.model.practice_environment import practice_environment
from onboard.model.validation import nearest
from onboard.model.words import Remedy, Text, sh

if TYPE_CHECKING:
    from onboard.practice.image import Image
    from onboard.practice.settings import Settings

LIST = "list"  # in place of names: list them
ALL = "all"
WITH_THE_WIZARD = 8  # servers of the story that a practice has by default, when nobody waits for a whole run of it
# For a shell that may have a profile, a token or endpoints of its own, which would go before the practice's.
FORGET_AWS = r"unset AWS_PROFILE $(env | sed -n 's/^\(AWS_[A-Z0-9_]*\)=.*/\1/p')"
PATIENCE = Patience(online=30, answer=20, poll=0.25)  # nothing is far away, and waiting teaches nothing


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("practice", help="try it on an embedded cloud and servers; no account needed")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--run",
        action="store_true",
        help="onboard the servers of resources/practice/story.txt without a window; prints a table at the end",
    )
    how.add_argument(
        "--serve", type=Path, metavar="DIR", help="only serve until stopped; writes DIR/profile.toml and DIR/env"
    )
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)  # how the wizard serves
    parser.add_argument(
        "--hosts",
        type=_count,
        metavar="N",
        help=f"this many servers (default: {WITH_THE_WIZARD}; with --run, the whole story)",
    )
    parser.add_argument(
        "--images",
        type=_names,
        metavar="NAME,…",
        help="servers of these kinds instead; all: of every kind; list: print them",
    )
    parser.add_argument(
        "--scenario", type=_scenario, metavar="NAME", help="something that goes wrong in the cloud; list: print them"
    )
    add_json(parser)
    parser.set_defaults(act=run)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 1 and 10000")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    """Names of images, all of which exist, or LIST."""
    from onboard.practice.image import images

    known = [image.name for image in images()]
    if text in (ALL, LIST):
        return tuple(known) if text == ALL else (LIST,)
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(unknown("image", name, known))
    return names


def _scenario(text: str) -> str:
    """The name of a scenario that exists, or LIST."""
    from onboard.practice.scenarios import SCENARIOS

    known = [scenario.name for scenario in SCENARIOS]
    if text not in (*known, LIST):
        raise argparse.ArgumentTypeError(unknown("scenario", text, known))
    return text


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    guess = nearest(name, known)
    remedy = f"Did you mean {guess}" if guess else f"There are: {', '.join(known)}"
    return f"there is no {kind} {name!r}. {remedy}"


class _Wanted(NamedTuple):
    """What a practice is to be like; see `start_practice`."""

    hosts: int | None
    only: "Sequence[Image]"
    settings: "Settings | None"


def _wanted(options: argparse.Namespace) -> _Wanted:
    from onboard.practice.image import image, story
    from onboard.practice.scenarios import SCENARIOS

    images, hosts = story(), options.hosts
    if options.images:
        images = tuple(map(image, options.images))
    elif not options.run:
        hosts = hosts or WITH_THE_WIZARD
    for scenario in SCENARIOS:
        if scenario.name == options.scenario:
            return _Wanted(hosts, scenario.servers(images), scenario.cloud())
    return _Wanted(hosts, images, None)


def _list_images(*, as_json: bool) -> int:
    from onboard.practice.image import images

    for image in images():
        told = {"image": image.name, "ends": image.ends, "title": image.title, "wrong": image.wrong}
        line = f"{image.name:18}  {image.ends:11}  {image.title}{f'. {image.wrong}.' if image.wrong else '.'}"
        sys.stdout.write(f"{json.dumps(told) if as_json else line}\n")
    return 0


def _list_scenarios(*, as_json: bool) -> int:
    from onboard.practice.scenarios import SCENARIOS

    for scenario in SCENARIOS:
        told = {"scenario": scenario.name, "title": scenario.title}
        sys.stdout.write(f"{json.dumps(told) if as_json else f'{scenario.name:20}  {scenario.title}'}\n")
    return 0


def run(options: argparse.Namespace) -> int:
    if options.images == (LIST,):
        return _list_images(as_json=options.json)
    if options.scenario == LIST:
        return _list_scenarios(as_json=options.json)
    if not options.serve and not options.run:
        return _wizard(options)
    _take_environment({})  # before anything of moto's is imported, which reads it
    try:
        import onboard.practice.serve  # noqa: F401 - only to see that its libraries are there
    except ModuleNotFoundError as error:
        raise OnboardError(
            "Practice needs libraries that are not installed",
            why=Text("{library} is missing", library=error.name),
            remedy=Remedy("Install Onboard with its practice extra", sh("pip", "install", "onboard[practice]")),
        ) from None
    return _serve(options) if options.serve else _journey(options)


def _wizard(options: argparse.Namespace) -> int:
    from onboard.gui.app import main, require_display

    require_display()
    given = {"--hosts": options.hosts, "--images": ",".join(options.images or ()), "--scenario": options.scenario}
    return main(["--practice", *(f"{name}={value}" for name, value in given.items() if value)])


def _serve(options: argparse.Namespace) -> int:
    from onboard.practice.serve import serve

    folder: Path = options.serve
    if options.until_eof:
        threading.Thread(target=_end_with_input, name="parent", daemon=True).start()

    def ready() -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if options.until_eof:
            return
        sys.stderr.write(
            f"Practice runs until Ctrl-C. In another shell:\n"
            f"  {FORGET_AWS}\n"
            f"  set -a; . {folder}/env; set +a\n"
            f"  onboard trust --profile {folder}/profile.toml --known-hosts {folder}/known_hosts\n"
            f"  onboard check --profile {folder}/profile.toml\n"
        )

    wanted = _wanted(options)
    try:
        serve(folder, wanted.hosts, ready, only=wanted.only, settings=wanted.settings)
    finally:
        if options.until_eof:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _take_environment(practice: Mapping[str, str]) -> None:
    """From here on nothing of the user's AWS configuration is in force in this process, and in its children."""
    taken = practice_environment(os.environ, practice)
    for name in set(os.environ) - set(taken):
        del os.environ[name]
    os.environ.update(taken)


def _end_with_input() -> None:
    """The window that started us has gone: so do we."""
    sys.stdin.read()
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGTERM)
    else:  # to the main thread: a signal to this one does not wake it
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _journey(options: argparse.Namespace) -> int:
    """Everything in a folder of its own that goes afterwards: practice leaves no trace among real runs.

    Nobody is asked, neither a person nor the keyring: a server that wants a password shows what that looks like.
    """
    from onboard.engine.apply import apply
    from onboard.practice.serve import running_practice

    wanted = _wanted(options)

    if not options.json:
        sys.stdout.write("Practice: nothing here is real.\n")
        sys.stdout.flush()
    begun = running_practice(wanted.hosts, only=wanted.only, settings=wanted.settings)
    with tempfile.TemporaryDirectory(prefix="onboard-") as name, begun as practice:
        folder = Path(name)
        _take_environment(practice.environment())
        write_private(folder / "practice_hosts", practice.known_hosts)
        known = KnownHosts.from_file(folder / "practice_hosts")
        with placed(practice.profile(), folder, known_hosts=known, patience=PATIENCE, alone=True) as place:
            stream = apply(place.profile, place.tools, place.cancel, profile_path="practice")
            return follow(stream, show_for(options, place, kept=False), place.cancel)[1]
