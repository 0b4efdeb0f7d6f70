"""onboard practice: an embedded cloud and servers, to try everything without an account."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from onboard.cli.arguments import Commands, add_json
from onboard.cli.output import follow
from onboard.cli.workplace import placed, show_for
from onboard.engine.proof import Patience
from onboard.files import write_private
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.errors import OnboardError
from onboard.model.practice_environment import practice_environment
from onboard.model.words import Remedy, Text, sh

# For a shell that may have a profile, a token or endpoints of its own, which would go before the practice's.
FORGET_AWS = r"unset AWS_PROFILE $(env | sed -n 's/^\(AWS_[A-Z0-9_]*\)=.*/\1/p')"
PATIENCE = Patience(online=30, answer=30, poll=0.25)  # nothing is far away, and waiting teaches nothing


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("practice", help="try it on an embedded cloud and servers; no account needed")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--run", action="store_true", help="onboard the practice servers without a window; prints a table at the end"
    )
    how.add_argument(
        "--serve", type=Path, metavar="DIR", help="only serve until stopped; writes DIR/profile.toml and DIR/env"
    )
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)  # how the wizard serves
    parser.add_argument("--hosts", type=_count, metavar="N", help="this many servers (default: one of each kind, 8)")
    add_json(parser)
    parser.set_defaults(act=run)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 1 and 10000")
    return int(text)


def run(options: argparse.Namespace) -> int:
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
    return main(["--practice", *(["--hosts", str(options.hosts)] if options.hosts else [])])


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

    try:
        serve(folder, options.hosts, ready)
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
    """Everything in a folder of its own that goes afterwards: practice leaves no trace among real runs."""
    from onboard.engine.apply import apply
    from onboard.practice.serve import running_practice

    if not options.json:
        sys.stdout.write("Practice: nothing here is real.\n")
        sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="onboard-") as name, running_practice(options.hosts) as practice:
        folder = Path(name)
        _take_environment(practice.environment())
        write_private(folder / "practice_hosts", practice.known_hosts)
        known = KnownHosts.from_file(folder / "practice_hosts")
        with placed(practice.profile(), folder, known_hosts=known, patience=PATIENCE) as place:
            stream = apply(place.profile, place.tools, place.cancel, profile_path="practice")
            return follow(stream, show_for(options, place, kept=False), place.cancel)[1]
