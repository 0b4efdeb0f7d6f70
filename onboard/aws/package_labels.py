"""The name, version and architecture of a .deb or .rpm, read without dpkg or rpm.

Sources: deb(5), deb-control(5); RPM's file format, "Package format".
"""

import io
import lzma
import struct
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from onboard.model.errors import OnboardError

_LARGEST_CONTROL = 4 * 1024 * 1024  # bytes of control.tar, packed; and of each file in it
_MOST_MEMBERS = 64  # of control.tar
_LARGEST_HEADER = 32 * 1024 * 1024  # bytes; RPM's own limit is 256 MB, the agent's header is about 20 KB

_RPM_LEAD = 96
_RPM_NAME, _RPM_VERSION, _RPM_ARCH = 1000, 1001, 1022  # tags
_RPM_STRING = 6  # type
_RPM_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}


@dataclass(frozen=True, slots=True)
class Label:
    """`kind` is deb or rpm; `arch` in Debian's names (amd64, arm64); `version` without the packager's revision."""

    kind: str
    name: str
    version: str
    arch: str


def read_label(path: Path) -> Label:
    """The label of a package file; the kind is detected. Raises OnboardError if it is neither .deb nor .rpm."""
    with path.open("rb") as file:
        magic = file.read(8)
        file.seek(0)
        try:
            if magic == b"!<arch>\n":
                return _deb(file)
            if magic.startswith(b"\xed\xab\xee\xdb"):
                return _rpm(file)
        except (
            tarfile.TarError,
            EOFError,
            OSError,
            ValueError,
            struct.error,
            zlib.error,
            lzma.LZMAError,
            KeyError,
            TypeError,  # from tarfile, for some damaged headers
        ) as error:
            raise _damaged(path, str(error) or type(error).__name__) from None
    raise _damaged(path, "it is neither a .deb nor an .rpm")


def _deb(file: BinaryIO) -> Label:
    """Read an `ar` archive: debian-binary, then a possibly compressed control.tar, then the data."""
    file.seek(8)
    while head := file.read(60):
        name = head[:16].decode("ascii", errors="replace").rstrip().rstrip("/")
        size = int(head[48:58])
        if head[58:60] != b"`\n" or size < 0:
            raise ValueError("the archive is damaged")
        if name.startswith("control.tar"):
            if size > _LARGEST_CONTROL:
                raise ValueError(f"{name} is too large")
            return _control(name, file.read(size))
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("the archive contains no control.tar")


def _control(name: str, packed: bytes) -> Label:
    modes = {"control.tar": "r|", "control.tar.gz": "r|gz", "control.tar.xz": "r|xz", "control.tar.bz2": "r|bz2"}
    if name not in modes:
        raise ValueError(f"the compression of {name} is not supported")
    # Read as a stream, and only the wanted member, so that nothing unpacks to more than the limit.
    with tarfile.open(fileobj=io.BytesIO(packed), mode=modes[name]) as archive:  # type: ignore[call-overload]
        for count, member in enumerate(archive):
            if member.size > _LARGEST_CONTROL or count >= _MOST_MEMBERS:
                raise ValueError("control.tar is too large")
            if member.name.removeprefix("./") == "control" and (content := archive.extractfile(member)):
                fields = _fields(content.read(_LARGEST_CONTROL).decode("utf-8", errors="replace"))
                version = fields["version"].partition(":")[2] or fields["version"]  # without the epoch
                return Label("deb", fields["package"], version.rpartition("-")[0] or version, fields["architecture"])
    raise ValueError("control.tar contains no control file")


def _fields(control: str) -> dict[str, str]:
    """The single-line fields of a control file's first paragraph, by lower-case name."""
    lines = control.strip("\n").partition("\n\n")[0].splitlines()
    parts = [line.partition(":") for line in lines if not line.startswith((" ", "\t", "#"))]
    return {name.strip().lower(): value.strip() for name, colon, value in parts if colon}


def _rpm(file: BinaryIO) -> Label:
    """Read an .rpm: a lead, the signature header padded to 8 bytes, the header, then the payload."""
    file.seek(_RPM_LEAD)
    _, store = _rpm_header(file)
    file.seek(-len(store) % 8, io.SEEK_CUR)
    index, store = _rpm_header(file)

    def text(tag: int) -> str:
        kind, offset = index[tag]
        end = store.index(b"\0", offset)
        if kind != _RPM_STRING:
            raise ValueError(f"tag {tag} is not text")
        return store[offset:end].decode("utf-8", errors="replace")

    arch = text(_RPM_ARCH)
    return Label("rpm", text(_RPM_NAME), text(_RPM_VERSION), _RPM_ARCHITECTURES.get(arch, arch))


def _rpm_header(file: BinaryIO) -> tuple[dict[int, tuple[int, int]], bytes]:
    """(tag → (type, offset in the store), store)."""
    magic, entries, size = struct.unpack(">8sII", file.read(16))
    if magic[:4] != b"\x8e\xad\xe8\x01" or entries * 16 > _LARGEST_HEADER or size > _LARGEST_HEADER:
        raise ValueError("the header is damaged")
    raw, store = file.read(entries * 16), file.read(size)
    if len(raw) != entries * 16 or len(store) != size:
        raise ValueError("the header ends too early")
    index = {tag: (kind, offset) for tag, kind, offset, _ in struct.iter_unpack(">IIII", raw)}
    return index, store


def _damaged(path: Path, why: str) -> OnboardError:
    return OnboardError(
        "the agent package cannot be read",
        where=path.name,
        why=why[:1].upper() + why[1:],
        remedy="Fetch it again, and check that the source serves agent packages",
    )
