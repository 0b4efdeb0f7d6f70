"""Lists of servers that users already have: which format a file is in, and its servers."""

import errno
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from onboard.files import MOST_READ
from onboard.hosts.inventory_csv import Inventory, decoded, parse_csv
from onboard.model.errors import Problem, ProfileError
from onboard.model.formats import shown
from onboard.model.profile import Host

_AS_CSV = "Save the list as CSV with the columns name, address and port"
_SIGNATURES = (
    (b"PK\x03\x04", "a spreadsheet or archive", "Save it as CSV from the spreadsheet program"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save it as CSV from the spreadsheet program"),
    (b"\x1f\x8b", "compressed", "Unpack it first"),
    (b"%PDF", "a PDF", _AS_CSV),
)
_FORMATS = (
    ("JSON", re.compile(r"\A\s*[\[{]\s*[\[{\"\]}]")),
    (
        "an ssh client's configuration",
        re.compile(
            r"^[ \t]*(Host|Match)[ \t=]+\S[^\n]*\n([ \t]*(#[^\n]*)?\r?\n)*"
            r"[ \t]*(HostName|User|Port|IdentityFile|Proxy\w+)[ \t=]+\S",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    (
        "an Ansible inventory",
        re.compile(
            r"^\[[A-Za-z_][\w.-]*(:vars|:children)?\][ \t\r]*$|\bansible_[a-z_]+="
            r"|^[ \t]*(all|hosts|children):[ \t\r]*$",
            re.MULTILINE,
        ),
    ),
)


def read(path: Path) -> Inventory:
    """The servers of a file, and what was guessed to find them. Mistakes in lines are in `Inventory.problems`.

    Raises ProfileError when the file cannot be read at all, or is in a format that is not available.
    """
    try:
        with path.open("rb") as file:  # also a pipe, such as the shell's <(…)
            data = file.read(MOST_READ + 1)
        if len(data) > MOST_READ:
            raise OSError(errno.EFBIG, f"it is larger than {MOST_READ >> 20} MiB")
    except OSError as error:
        problem = Problem(str(path), f"it cannot be read: {error.strerror}", "Name a file that exists and may be read")
        raise ProfileError(str(path), (problem,)) from error
    return parse(data, path.name)


def parse(data: bytes, name: str) -> Inventory:
    """As `read`, of a file's content; `name` is how messages call it."""
    for signature, what, remedy in _SIGNATURES:
        if data.startswith(signature):
            raise ProfileError(name, (Problem(name, f"it is {what}, which is no list of servers", remedy),))
    text, encoding = decoded(data)
    for what, looks in _FORMATS:
        if looks.search(text):
            problem = Problem(name, f"it looks like {what}, which is not available in this version", _AS_CSV)
            raise ProfileError(name, (problem,))
    return parse_csv(text, encoding, name)


def merged(existing: Sequence[Host], imported: Sequence[Host], *, replace: bool) -> tuple[Host, ...]:
    """The servers of a profile after an import. One that is there already, equal in everything, is kept once.

    Raises ProfileError naming every imported server whose name or address and port another server has.
    """
    if replace:
        existing = ()
    known = set(map(_identity, existing))
    new = [host for host in imported if _identity(host) not in known]
    hosts = (*existing, *new)
    places = ["in the profile"] * len(existing) + ["in the imported list"] * len(new)
    problems = tuple(
        Problem(host.name, f"{what} is already there, {places[first]}", "Rename or remove one of them")
        for index, first, what in duplicates(hosts)
        if (host := hosts[index])
    )
    if problems:
        raise ProfileError("hosts", problems)
    return hosts


def duplicates(hosts: Iterable[Host]) -> list[tuple[int, int, str]]:
    """Servers that cannot be told apart: (index, index of the first with the same, what is the same in words)."""
    names: dict[str, int] = {}
    targets: dict[tuple[str, int], int] = {}
    found: list[tuple[int, int, str]] = []
    for index, host in enumerate(hosts):
        first = names.setdefault(host.name.casefold(), index)
        if first != index:
            found.append((index, first, f"the name {shown(host.name)}"))
        address, port = host.target
        twin = targets.setdefault((address.casefold(), port), index)
        if twin not in (index, first):
            found.append((index, twin, f"{shown(address)} port {port}"))
    return found


def _identity(host: Host) -> str:
    return host.model_dump_json()
