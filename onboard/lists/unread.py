"""Formats that are recognised but cannot be read yet. Each is refused by name, with what the user can do.

A reader for one of them is a file of its own, and replaces its line here and in the catalog.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from onboard.lists.reader import ListFile, Parsed
from onboard.model.errors import Problem, ProfileError

_SAVE_AS_CSV = "Save the list as CSV with the columns name, address and port"
_SAVE_SHEET_AS_CSV = "Save it as CSV from the spreadsheet program"
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Unread:
    """A format that `looks` recognises. `title` completes "it is …"."""

    title: str
    looks: Callable[[ListFile], bool]
    remedy: str = _SAVE_AS_CSV
    suffixes: tuple[str, ...] = ()

    def recognises(self, file: ListFile) -> bool:
        return self.looks(file)

    def parse(self, file: ListFile) -> Parsed:
        problem = f"it is {self.title}, and Onboard cannot read servers from that format"
        raise ProfileError(file.name, (Problem(file.name, problem, self.remedy),))


def _begins(signature: bytes) -> Callable[[ListFile], bool]:
    return lambda file: file.data.startswith(signature)


def _matches(pattern: str, flags: re.RegexFlag) -> Callable[[ListFile], bool]:
    compiled = re.compile(pattern, flags)
    return lambda file: bool(compiled.search(file.text))


OFFICE = Unread("a spreadsheet or archive", _begins(b"PK\x03\x04"), _SAVE_SHEET_AS_CSV)
OLD_EXCEL = Unread("an old Excel workbook", _begins(b"\xd0\xcf\x11\xe0"), _SAVE_SHEET_AS_CSV)
COMPRESSED = Unread("a compressed file", _begins(b"\x1f\x8b"), "Unpack it first")
PDF = Unread("a PDF", _begins(b"%PDF"))
BINARY = Unread("not a text file", lambda file: bool(_CONTROLS.search(file.text[:4096])))
JSON = Unread("JSON", _matches(r"\A\s*[\[{]\s*[\[{\"\]}]", re.NOFLAG))
SSH_CONFIG = Unread(
    "an OpenSSH client configuration",
    _matches(
        r"^[ \t]*(Host|Match)[ \t=]+\S[^\n]*\n([ \t]*(#[^\n]*)?\r?\n)*"
        r"[ \t]*(HostName|User|Port|IdentityFile|Proxy\w+)[ \t=]+\S",
        re.MULTILINE | re.IGNORECASE,
    ),
)
ANSIBLE = Unread(
    "an Ansible inventory",
    _matches(
        r"^\[[A-Za-z_][\w.-]*(:vars|:children)?\][ \t\r]*$|\bansible_[a-z_]+=|^[ \t]*(all|hosts|children):[ \t\r]*$",
        re.MULTILINE,
    ),
)
