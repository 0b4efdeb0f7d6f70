"""What system is this? From os-release (freedesktop.org), or the files that older systems have instead."""

import re
import shlex
from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError

_IDS = {
    "amazon": "amzn",
    "almalinux": "almalinux",
    "centos": "centos",
    "debian": "debian",
    "oracle": "ol",
    "red": "rhel",
    "rocky": "rocky",
    "suse": "sles",
    "ubuntu": "ubuntu",
}
_FAMILIES = {
    **dict.fromkeys(("debian", "ubuntu", "raspbian"), "debian"),
    **dict.fromkeys(("rhel", "centos", "fedora", "almalinux", "rocky", "ol", "amzn"), "rhel"),
    **dict.fromkeys(("sles", "sles_sap", "suse", "opensuse"), "sles"),
}


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """A system. `id` and `id_like` as os-release spells them, `version` is "" if it has none (Debian testing)."""

    id: str
    version: str
    name: str
    id_like: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """debian, rhel or sles, whose commands and packages it shares; "" for others."""
        for name in (self.id, *self.id_like):
            if name in _FAMILIES:
                return _FAMILIES[name]
        return ""


def parse(answer: Answer) -> OperatingSystem:
    first, _, content = answer.stdout.strip().partition("\n")
    key, _, source = first.partition(" ")
    if key != "source":
        raise FactError("the server did not say which file names its system")
    if source.endswith("os-release"):
        return _from_os_release(content)
    if source.endswith("lsb-release"):
        return _from_lsb_release(content)
    if source.endswith("debian_version"):
        version = content.strip()
        return OperatingSystem("debian", version, f"Debian {version}")
    return _from_sentence(content)


class _Assignments:
    """KEY=value lines. Only the values that are asked for are unquoted: a shell's quotes take long to read."""

    def __init__(self, content: str) -> None:
        lines = (line.strip().partition("=") for line in content.splitlines())
        self._raw = {key: value for key, equals, value in lines if equals and not key.startswith("#")}

    def get(self, key: str, default: str = "") -> str:
        if key not in self._raw:
            return default
        raw = self._raw[key]
        try:
            return " ".join(shlex.split(raw))
        except ValueError:
            return raw.strip("\"'")


def _from_os_release(content: str) -> OperatingSystem:
    values = _Assignments(content)
    identity, version = values.get("ID"), values.get("VERSION_ID")
    if not identity:
        raise FactError("os-release has no ID")
    return OperatingSystem(
        id=identity.lower(),
        version=version,
        name=values.get("PRETTY_NAME") or f"{values.get('NAME', identity)} {version}".strip(),
        id_like=tuple(values.get("ID_LIKE").lower().split()),
    )


def _from_lsb_release(content: str) -> OperatingSystem:
    values = _Assignments(content)
    identity, version = values.get("DISTRIB_ID"), values.get("DISTRIB_RELEASE")
    if not identity:
        raise FactError("lsb-release has no DISTRIB_ID")
    first = identity.lower().split()[0] if identity.split() else ""
    return OperatingSystem(
        _IDS.get(first, first), version, values.get("DISTRIB_DESCRIPTION") or f"{identity} {version}"
    )


def _from_sentence(content: str) -> OperatingSystem:
    """`CentOS release 6.10 (Final)`; SuSE-release has its version in lines of its own."""
    lines = content.strip().splitlines()
    if not lines or not lines[0].split():
        raise FactError("the file that names the system is empty")
    first = lines[0].split()[0].lower()
    found = re.search(r"(?:release|Linux Enterprise Server|openSUSE)\s+(\d+(?:\.\d+)*)", lines[0])
    version = found.group(1) if found else ""
    patch = re.search(r"^PATCHLEVEL\s*=\s*(\d+)", content, re.MULTILINE)
    if patch and version and "." not in version:
        version = f"{version}.{patch.group(1)}"
    return OperatingSystem(_IDS.get(first, first), version, lines[0].strip())


FACT = Fact("operating_system", parse)
