"""Canary secrets: values that must show up nowhere, and the search that would find them.

    search = Search({"password": "…"})
    search.look_at("standard error", text)
    search.look_below(folder)
    with ProcessWatch() as seen: …
    search.look_at_processes(seen)
    assert search.found == []

A secret is looked for as a whole and by its longest run of letters and digits, which every way of quoting leaves as it
is, in the encodings that software uses: plain, percent, hex, UTF-16 in both byte orders, and base64 of UTF-8 and UTF-16
at each of its three alignments.
"""

import base64
import os
import re
import secrets
import stat
import string
import threading
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

SHORTEST = 8  # characters of a run that is looked for: shorter ones could be there by chance
PAUSE = 0.002  # seconds between two looks at all processes


def new_password() -> str:
    """A password that quotes badly."""
    core = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))
    return f"{core} %+&\"'\\$`"


def patterns(secret: str) -> Mapping[bytes, str]:
    """Bytes to look for → which encoding they are."""
    assert len(secret) >= SHORTEST, "too short for a canary"
    core = max(re.findall(r"[A-Za-z0-9]+", secret), key=len)
    return _patterns(secret) | (_patterns(core) if len(core) >= SHORTEST else {})


def _patterns(text: str) -> dict[bytes, str]:
    utf8, little, big = text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")
    found = {
        utf8: "plain",
        little: "UTF-16-LE",
        big: "UTF-16-BE",
        utf8.hex().encode(): "hex",
        utf8.hex().upper().encode(): "hex",
        urllib.parse.quote(text, safe="").encode(): "percent",
        "".join(f"%{byte:02x}" for byte in utf8).encode(): "percent",
        "".join(f"%{byte:02X}" for byte in utf8).encode(): "percent",
        "".join(f"\\x{byte:02x}" for byte in utf8).encode(): "escaped",
        utf8[::-1]: "backwards",
    }
    for name, encoded in (("UTF-8", utf8), ("UTF-16-LE", little)):
        for shift in range(3):
            coded = base64.b64encode(bytes(shift) + encoded)
            # The characters at both ends also depend on what stands before and after.
            certain = coded[(0, 2, 3)[shift] : len(bytes(shift) + encoded) // 3 * 4]
            found[certain] = f"base64 of {name}"
            found[certain.translate(bytes.maketrans(b"+/", b"-_"))] = f"base64 of {name}"
    return found


class Search:
    """Looks for canaries. `found`: where each one was seen, and how it was encoded."""

    def __init__(self, canaries: Mapping[str, str]) -> None:
        self._patterns: dict[bytes, str] = {}
        for name, secret in canaries.items():
            self.add(name, secret)
        self.found: list[str] = []
        self.files = 0

    def add(self, name: str, secret: str) -> None:
        self._patterns |= {pattern: f"{name} ({encoding})" for pattern, encoding in patterns(secret).items()}

    def look_at(self, where: str, data: str | bytes) -> None:
        content = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        self.found += sorted({f"{where}: {name}" for pattern, name in self._patterns.items() if pattern in content})

    def look_below(self, folder: Path, *, changed_after: float = 0.0, skip: Iterable[Path] = ()) -> None:
        """Every name, link and file below; with `changed_after` (seconds since the epoch) only those since then."""
        left_out = {str(path) for path in skip}
        for path in _walk(folder, left_out):
            with suppress(OSError):  # it went while we looked
                info = path.lstat()
                if info.st_ctime < changed_after:
                    continue
                self.look_at(f"name of {path}", path.name)
                if stat.S_ISLNK(info.st_mode):
                    self.look_at(f"link {path}", str(path.readlink()))
                elif stat.S_ISREG(info.st_mode):
                    self.files += 1
                    self.look_at(str(path), path.read_bytes())

    def look_at_processes(self, watch: "ProcessWatch", *, allowed: Iterable[bytes] = ()) -> None:
        """Argument lists and environments; those that hold one of `allowed` are left out."""
        exempt = tuple(allowed)
        for seen in watch.seen:
            if not any(text in seen for text in exempt):
                self.look_at(f"process {seen[:200]!r}", seen)


def _walk(folder: Path, skip: set[str]) -> Iterator[Path]:
    for inside, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if f"{inside}/{name}" not in skip]
        for name in (*folders, *files):
            if f"{inside}/{name}" not in skip:
                yield Path(inside, name)


class ProcessWatch:
    """Reads the argument list and the environment of every process of this machine, all the time.

    Processes in PID namespaces below this one are among them: those of the tests' real hosts.
    """

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.rounds = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="process watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(PAUSE):
            for name in os.listdir("/proc"):  # noqa: PTH208 - thousands of times a second
                if name.isdigit():
                    for kind in ("cmdline", "environ"):
                        with suppress(OSError), open(f"/proc/{name}/{kind}", "rb") as file:  # noqa: PTH123
                            self.seen.add(file.read())
            self.rounds += 1
