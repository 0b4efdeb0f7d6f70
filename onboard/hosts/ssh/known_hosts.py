"""Which SSH host keys are trusted: OpenSSH's known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

Reads the application's own file, the only one that it writes, the user's `~/.ssh/known_hosts` and `known_hosts2`, and
`/etc/ssh/ssh_known_hosts` and `ssh_known_hosts2`. Understands several names in a line, wildcards and negation,
hashed names, `[host]:port`, `@revoked`, and `@cert-authority` with OpenSSH host certificates. Lines that are none of
these are passed over, as OpenSSH does. Files that a Windows editor wrote (UTF-16, byte order mark) are decoded.
"""

import base64
import hmac
import os
import re
import stat
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from filelock import FileLock

from onboard.files import decoded_by_mark, read_regular, refuse_others, write_private
from onboard.hosts.ssh.certificates import SUFFIX, check_certificate, is_certificate
from onboard.hosts.ssh.host_key import ALGORITHMS, KEY_TYPES, HostKey, algorithms_of
from onboard.model.errors import OnboardError
from onboard.model.place import Place
from onboard.model.words import Text, phrase

OWN_FILE = "known_hosts"
SSH_PORT = 22
_COUNTED = phrase("{count} of its {lines} lines were understood")


class Trust(StrEnum):
    """What is known about a key that a server showed."""

    TRUSTED = "trusted"
    NEW = "new"  # nothing is known about this server
    CHANGED = "changed"  # other keys are known for this server, not this one
    REVOKED = "revoked"

    @property
    def forbids(self) -> bool:
        """Whether a key must not be accepted, whatever else is known about it."""
        return self in (Trust.CHANGED, Trust.REVOKED)


@dataclass(frozen=True, slots=True)
class KeyVerdict:
    """`source` is FILE:LINE of the entry that decided, "" for none; `reason` is for people."""

    trust: Trust
    source: str = ""
    reason: str = ""

    def worse(self, other: "KeyVerdict") -> "KeyVerdict":
        """The worse one of two files' verdicts about a key."""
        return max(self, other, key=lambda verdict: list(Trust).index(verdict.trust))


@dataclass(frozen=True, slots=True)
class _Entry:
    names: tuple[str, ...]
    key: HostKey
    marker: Literal["", "cert-authority", "revoked"]
    source: str

    def names_match(self, name: str) -> bool:
        if self.names[0].startswith("|1|"):
            return _hash_matches(self.names[0], name)
        matched = False
        for pattern in self.names:
            if _pattern(pattern.removeprefix("!")).fullmatch(name):
                if pattern.startswith("!"):
                    return False
                matched = True
        return matched


def entry_name(place: Place) -> str:
    """How known_hosts names a server: `host`, or `[host]:port` for a port other than 22."""
    return _entry_name(place.address, place.port)


def _entry_name(address: str, port: int) -> str:
    address = address.lower()
    return address if port == SSH_PORT else f"[{address}]:{port}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known about one server before it shows its key: what to ask it for, and what to think of what it shows.

    `named` are the entries of its address and port. `bare` are those of its address alone, for a port other than 22.
    """

    address: str
    named: tuple[_Entry, ...]
    bare: tuple[_Entry, ...] = ()

    @property
    def keys(self) -> frozenset[HostKey]:
        """The keys known for this server, by its own address and port."""
        return frozenset(entry.key for entry in self.named if not entry.marker)

    @property
    def key_types(self) -> tuple[str, ...]:
        """The types of the keys known for this server, in the order of the files."""
        return tuple(dict.fromkeys(entry.key.key_type for entry in self.named or self.bare if not entry.marker))

    @property
    def has_authority(self) -> bool:
        """Is a certificate authority known for this server?"""
        return any(entry.marker == "cert-authority" for entry in self.named)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Host key algorithms in the order to ask for: those whose key is known come first.

        Otherwise a server whose ed25519 key is known would look changed when it prefers ECDSA.
        """
        known = [key_type for key_type in self.key_types if key_type in ALGORITHMS]
        ordered = algorithms_of([*known, *(key_type for key_type in KEY_TYPES if key_type not in known)])
        if self.has_authority:
            return tuple(f"{name}{SUFFIX}" for name in ordered) + ordered
        return ordered

    def judge(self, key: HostKey) -> KeyVerdict:
        """Is `key` this server's?"""
        if verdict := _revoked(key, self.named):
            return verdict
        if is_certificate(key.key_type):
            verdict = _judge_certificate(self.address, key, self.named)
            if verdict.trust is not Trust.NEW:
                return verdict
            plain_verdict = self.judge(key.without_certificate())
            return verdict if plain_verdict.trust is Trust.NEW else plain_verdict
        plain = [entry for entry in self.named if not entry.marker]
        if not plain:
            # As OpenSSH: a key known for the bare name is trusted on other ports too; a different key proves nothing.
            if verdict := _revoked(key, self.bare):
                return verdict
            plain = [entry for entry in self.bare if not entry.marker and entry.key == key]
        for entry in plain:
            if entry.key == key:
                return KeyVerdict(Trust.TRUSTED, entry.source)
        if plain:
            known = ", ".join(sorted({f"{entry.key.key_type} {entry.key.fingerprint}" for entry in plain}))
            return KeyVerdict(Trust.CHANGED, plain[0].source, f"The key known for this server is {known}")
        return KeyVerdict(Trust.NEW)


class KnownHosts:
    """What several known_hosts files say, read once. Used by many threads."""

    def __init__(self, own: Path | None, others: Iterable[Path] = ()) -> None:
        """Raises OnboardError for a file that other users may write to: a host key in it would prove nothing."""
        self._own = own
        self._lock = threading.Lock()
        self._by_name: defaultdict[str, list[_Entry]] = defaultdict(list)
        self._to_search: list[_Entry] = []  # patterns and hashed names
        self.not_understood: tuple[tuple[Path, Text], ...] = ()  # files that hold lines, and no entry
        others = tuple(others)
        if own:
            refuse_others(own)
        for path in others:  # a umask of 002 is common, and OpenSSH makes known_hosts by it
            refuse_others(path, stat.S_IWOTH)
        for path in ((own,) if own else ()) + others:
            entries, lines = _read(path)
            for entry in entries:
                self._index(entry)
            if lines and not entries:
                self.not_understood += ((path, Text(_COUNTED, count=0, lines=lines)),)

    @classmethod
    def of_this_user(cls, home: Path) -> Self:
        """The application's file in `home` (see onboard.home), the user's and the system's."""
        ssh = Path(os.path.expanduser("~/.ssh"))  # noqa: PTH111 - where nobody has a home, a path that is not there
        system = Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "ssh" if os.name == "nt" else Path("/etc/ssh")
        others = [folder / f"{name}{suffix}" for folder, name in ((ssh, "known_hosts"), (system, "ssh_known_hosts"))
                  for suffix in ("", "2")]  # fmt: skip
        return cls(home / OWN_FILE, others)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """A file that was supplied to compare with.

        Raises OSError when it cannot be read, OnboardError when it lists no key.
        """
        read_regular(path)
        supplied = cls(None, [path])
        if not (supplied._by_name or supplied._to_search):
            why = next((why for _, why in supplied.not_understood), "The file is empty, or has comments only")
            raise OnboardError(
                "No host key is listed in the known_hosts file",
                where=str(path),
                why=why,
                remedy="Name a file as OpenSSH writes it, with lines such as: web1.example ssh-ed25519 AAAA…",
            )
        return supplied

    def expect(self, place: Place) -> Expectation:
        """What is known about the server at `place` now."""
        named = self._entries(entry_name(place))
        bare = self._entries(_entry_name(place.address, SSH_PORT)) if place.port != SSH_PORT else ()
        return Expectation(place.address, named, bare)

    def add(self, keys: Iterable[tuple[Place, HostKey]]) -> None:
        """Trust each of these keys at its place from now on: they go to the application's own file at once.

        Raises OnboardError when it cannot be written.
        """
        if self._own is None:
            raise ValueError("these known hosts are only to compare with")
        lines = [f"{entry_name(place)} {key.key_type} {base64.b64encode(key.blob).decode()}\n"
                 for place, key in keys]  # fmt: skip
        if not lines:
            return
        with FileLock(f"{self._own}.lock", mode=0o600):
            before = _text(self._own.read_bytes()) if self._own.exists() else ""
            if before and not before.endswith("\n"):
                before += "\n"
            write_private(self._own, before + "".join(lines))
        first = before.count("\n") + 1
        for number, line in enumerate(lines, first):
            entry = _parse(line, f"{self._own}:{number}")
            if entry is not None:
                with self._lock:
                    self._index(entry)

    def _index(self, entry: _Entry) -> None:
        if any(character in name for name in entry.names for character in "*?!|"):
            self._to_search.append(entry)
        else:
            for name in entry.names:
                self._by_name[name].append(entry)

    def _entries(self, name: str) -> tuple[_Entry, ...]:
        with self._lock:
            found = list(self._by_name.get(name, ()))
            to_search = tuple(self._to_search)
        return (*found, *(entry for entry in to_search if entry.names_match(name)))


def _revoked(key: HostKey, entries: Sequence[_Entry]) -> KeyVerdict | None:
    for entry in entries:
        if entry.marker == "revoked" and entry.key == key:
            return KeyVerdict(Trust.REVOKED, entry.source, "The key is marked @revoked")
    return None


def _judge_certificate(address: str, key: HostKey, entries: Sequence[_Entry]) -> KeyVerdict:
    checked = check_certificate(key.blob, address)
    for part, what in ((checked.authority, "authority"), (checked.key, "key")):
        if part and (verdict := _revoked(HostKey(part), entries)):
            return KeyVerdict(Trust.REVOKED, verdict.source, f"The certificate's {what} is marked @revoked")
    for entry in entries:
        if entry.marker == "cert-authority" and checked.authority == entry.key.blob:
            if checked.problem:
                return KeyVerdict(Trust.NEW, entry.source, f"Its host certificate is not valid: {checked.problem}")
            return KeyVerdict(Trust.TRUSTED, entry.source)
    return KeyVerdict(
        Trust.NEW, reason="Its host certificate is signed by an authority that is not trusted for this server"
    )


def _read(path: Path) -> tuple[list[_Entry], int]:
    """The entries of a file, and how many lines might be some: those that are neither empty nor comments."""
    try:
        lines = _text(read_regular(path)).splitlines()
    except OSError:  # absent or not readable
        return [], 0
    parsed = [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]
    wanted = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [entry for entry in parsed if entry is not None], len(wanted)


def _text(data: bytes) -> str:
    """Bytes that are no text survive, for the application's own file, which is written back.

    In UTF-16, the letters of key types have zeros; without them a mark is only damage, and the other lines can be read.
    """
    found = decoded_by_mark(data)
    return (
        found[0]
        if found and (b"\0" in data or found[1] == "utf-8-sig")
        else data.decode("utf-8", errors="surrogateescape")
    )


def _parse(line: str, source: str) -> _Entry | None:
    words = line.split()
    marker: Literal["", "cert-authority", "revoked"] = ""
    if words and words[0].startswith("@"):
        if words[0] == "@cert-authority":
            marker = "cert-authority"
        elif words[0] == "@revoked":
            marker = "revoked"
        else:
            return None
        words = words[1:]
    if len(words) < 3 or words[0].startswith("#"):
        return None
    names = tuple(name for name in words[0].split(",") if name)
    try:
        key = HostKey(base64.b64decode(words[2], validate=True))
    except ValueError:  # no base64, or not even ASCII
        return None
    if not names or key.key_type != words[1]:
        return None
    hashed = names[0].startswith("|")
    return _Entry(names if hashed else tuple(name.lower() for name in names), key, marker, source)


def _pattern(pattern: str) -> re.Pattern[str]:
    """OpenSSH's wildcards: `*` and `?`; brackets stand for themselves."""
    return re.compile("".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern))


def _hash_matches(hashed: str, name: str) -> bool:
    """`|1|salt|hash`: HMAC-SHA1 of the name under the salt, both in base64."""
    parts = hashed.split("|")
    try:
        salt, expected = base64.b64decode(parts[2]), base64.b64decode(parts[3])
    except (IndexError, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), expected)
