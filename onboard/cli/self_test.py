"""onboard self-test: does everything that this program is made of work on this computer?

It needs no network and no account, and leaves nothing behind. A packaged program that lacks a part says so here.
"""

import argparse
import hashlib
import importlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

from onboard.about import about
from onboard.cli.arguments import Commands, add_json
from onboard.cli.exits import NOT_WELL, WELL
from onboard.gui.programs import console_program, windowed_program
from onboard.model.errors import OnboardError
from onboard.model.events import RunFinished

LONGEST = 120  # seconds that a child may take
AWS_SERVICES = ("account", "ec2", "iam", "s3", "ssm", "sts")
KEYRINGS = {
    "win32": ("keyring.backends.Windows",),
    "darwin": ("keyring.backends.macOS",),
    "linux": ("keyring.backends.SecretService", "keyring.backends.kwallet", "keyring.backends.libsecret"),
}


class Wrong(Exception):
    """What a part lacks."""


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("self-test", help="test whether every part of the program works on this computer")
    add_json(parser)
    parser.set_defaults(act=run)


def run(options: argparse.Namespace) -> int:
    failed = 0
    for name, part in PARTS.items():
        try:
            well, told = True, part()
        except (Wrong, OnboardError) as error:
            well, told = False, str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, that part does not work; test the next one
            well, told = False, f"{type(error).__name__}: {error}"
        failed += not well
        if options.json:
            _line({"event": "self_tested", "part": name, "well": well, "told": told})
        else:
            sys.stdout.write(f"{'✓' if well else '✕'} {name:<18} {told}\n")
            sys.stdout.flush()
    if options.json:
        _line(RunFinished(run="", hosts={}).to_json())
    return NOT_WELL if failed else WELL


def _line(content: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _program() -> str:
    this = about()
    if this.licences is not None and not (this.licences / "CONTENTS.txt").is_file():
        raise Wrong(f"the licences of what it contains are not in {this.licences}")
    return f"{this.version}, build {this.build}, Python {this.python}, in {this.program}"


def _folder() -> str:
    folder = about().home
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
    return str(folder)


def _questions() -> str:
    from onboard.checks.catalog import CHECKS, FLEET_CHECKS
    from onboard.facts.catalog import FACTS
    from onboard.scripts.catalog import DIALECTS

    for family, dialect in DIALECTS.items():
        for fact in FACTS:
            if family in fact.families and not dialect.file(f"facts/{fact.name}").strip():
                raise Wrong(f"the {dialect.folder} script of the fact {fact.name} is empty")
    return f"{len(FACTS)} facts with their scripts, {len(CHECKS) + len(FLEET_CHECKS)} checks"


def _changes() -> str:
    from onboard.scripts.catalog import DIALECTS
    from onboard.steps.catalog import STEPS

    scripts = [dialect.file(name) for dialect in DIALECTS.values() for name in dialect.names("steps")]
    if not scripts or not all(script.strip() for script in scripts):
        raise Wrong("a step's script is missing or empty")
    return f"{len(STEPS)} steps, {len(scripts)} scripts"


def _certificates() -> str:
    from onboard.facts.amazon_roots import AMAZON_ROOTS

    for root in AMAZON_ROOTS:
        if hashlib.sha256(ssl.PEM_cert_to_DER_cert(root.pem)).hexdigest() != root.sha256:
            raise Wrong(f"{root.file} is not {root.name}")
    return f"{len(AMAZON_ROOTS)} Amazon roots"


def _signing_keys() -> str:
    from onboard.aws.openpgp import aws_keys

    return f"{len(aws_keys())} keys that sign the agent's packages"


def _keyring() -> str:
    """A computer without a keyring is well; a program without the ways to one is not."""
    import keyring

    for module in KEYRINGS.get(sys.platform, ()):
        importlib.import_module(module)
    try:
        kind = type(keyring.get_keyring())
    except RuntimeError:
        return "this user has no home and so none; secrets are asked for"
    if kind.__module__ == "keyring.backends.fail":
        return "this computer has none; secrets are asked for"
    return f"{kind.__module__.rpartition('.')[2]} {kind.__name__}"


def _tls() -> str:
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    known = len(context.get_ca_certs())
    if known < 50:
        raise Wrong(f"{certifi.where()} has {known} certificates")
    return f"{ssl.OPENSSL_VERSION}, {known} certificates in {certifi.where()}"


def _aws() -> str:
    """Clients can be made: what describes services lies in data files. None is asked anything."""
    from onboard.aws.session import open_aws
    from onboard.model.profile import Profile, RegionSection

    with _no_aws_configuration():
        aws = open_aws(Profile(region=RegionSection(name="eu-central-1")))
        with closing(aws):
            for service in AWS_SERVICES:
                aws.client(service)
    return f"clients of {', '.join(AWS_SERVICES)}"


def _engine() -> str:
    """The child process that the wizard works through."""
    with tempfile.TemporaryDirectory(prefix="onboard-self-test-") as folder:
        order = json.dumps({"id": 1, "do": "runs"})
        told = _child([*console_program(), "engine"], {"ONBOARD_HOME": folder}, f"{order}\n")
    events = [json.loads(line)["event"] for line in told.splitlines()]
    if events[-1:] != ["run_finished"]:
        raise Wrong(f"it reported {events}")
    return "answers orders"


def _window() -> str:
    with tempfile.TemporaryDirectory(prefix="onboard-self-test-") as folder:
        apart = {"ONBOARD_HOME": folder, "XDG_CONFIG_HOME": folder, "QT_QPA_PLATFORM": "offscreen"}
        _child([*windowed_program(), "--self-test"], apart)
    return "every page and icon is drawn"


def _practice() -> str:
    """The whole journey, on one practice server, as somebody's first run goes."""
    with tempfile.TemporaryDirectory(prefix="onboard-self-test-") as folder:
        told = _child([*console_program(), "practice", "--run", "--hosts", "1", "--json"], {"ONBOARD_HOME": folder})
    last = json.loads(told.splitlines()[-1])
    if last.get("hosts") != {"online": 1}:
        raise Wrong(f"it ended with {last.get('hosts')}")
    return "one practice server came online and answered"


PARTS: dict[str, Callable[[], str]] = {
    "program": _program,
    "own folder": _folder,
    "facts and checks": _questions,
    "steps": _changes,
    "certificates": _certificates,
    "signing keys": _signing_keys,
    "keyring": _keyring,
    "TLS": _tls,
    "AWS": _aws,
    "engine": _engine,
    "window": _window,
    "practice": _practice,
}


def _child(command: list[str], variables: Mapping[str, str], orders: str = "") -> str:
    """What a child of this program prints. Wrong with what it said on standard error when it does not end well."""
    try:
        done = subprocess.run(
            command,
            input=orders,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **variables},
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Wrong(f"it did not end within {LONGEST} seconds") from None
    if done.returncode != 0:
        raise Wrong(f"it ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


@contextmanager
def _no_aws_configuration() -> Iterator[None]:
    """A user's configuration may be wrong, and the program well."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
