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
    """A system. `id` and `id_like` as os-release spells them, `version` "" where there is none (Debian testing)."""

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


def _assignments(content: str) -> dict[str, str]:
    """KEY=value lines, quoted as for a shell."""
    values = {}
    for line in content.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            try:
                words = shlex.split(value)
            except ValueError:
                words = [value.strip("\"'")]
            values[key] = " ".join(words)
    return values


def _from_os_release(content: str) -> OperatingSystem:
    values = _assignments(content)
    if not values.get("ID"):
        raise FactError("os-release has no ID")
    version = values.get("VERSION_ID", "")
    return OperatingSystem(
        id=values["ID"].lower(),
        version=version,
        name=values.get("PRETTY_NAME") or f"{values.get('NAME', values['ID'])} {version}".strip(),
        id_like=tuple(values.get("ID_LIKE", "").lower().split()),
    )


def _from_lsb_release(content: str) -> OperatingSystem:
    values = _assignments(content)
    if not values.get("DISTRIB_ID"):
        raise FactError("lsb-release has no DISTRIB_ID")
    identity, version = values["DISTRIB_ID"], values.get("DISTRIB_RELEASE", "")
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
