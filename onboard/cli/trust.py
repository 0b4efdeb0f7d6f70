"""onboard trust: see host keys, and approve them."""

import argparse
import sys
from pathlib import Path

from onboard.cli.arguments import Commands, add_json, add_profile
from onboard.cli.output import follow
from onboard.cli.workplace import show_for, workplace
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.errors import Problem, ProfileError
from onboard.model.state import State


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("trust", help="show the servers' host keys, and approve them")
    add_profile(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--accept-new", action="store_true", help="approve the keys of every server that has no known key yet"
    )
    how.add_argument("--known-hosts", type=Path, metavar="FILE", help="approve the keys that this file lists")
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    from onboard.engine.trust import trust

    supplied = _supplied(options.known_hosts) if options.known_hosts else None
    with workplace(options) as place:
        stream = trust(
            place.profile,
            place.tools,
            place.cancel,
            supplied=supplied,
            accept=options.accept_new,
            profile_path=str(options.profile),
        )
        state, code = follow(stream, show_for(options, place), place.cancel)
    if not options.json:
        _show_keys(state)
    return code


def _supplied(path: Path) -> KnownHosts:
    if not path.is_file():
        problem = Problem("--known-hosts", f"{path} is not a file", "Name a known_hosts file as OpenSSH writes it")
        raise ProfileError("--known-hosts", (problem,))
    return KnownHosts.from_file(path)


def _show_keys(state: State) -> None:
    for host in state.hosts.values():
        for key in host.keys:
            source = f" ({key.source})" if key.source else ""
            sys.stdout.write(f"{host.name}  {key.key_type}  {key.fingerprint}  {key.trust}{source}\n")
