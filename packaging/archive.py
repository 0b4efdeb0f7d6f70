"""Tar archives that are the same bytes for the same files, whoever makes them and when."""

import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path


def tar_xz(trees: Mapping[str, Path], archive: Path, made: int, prefix: str = "") -> Path:
    """Write folders, files and links under the names given into a .tar.xz, all owned by root and dated `made`.

    `prefix` stands before each name: "./" is Debian's way.
    """
    with (
        lzma.open(archive, "wb", preset=6) as stream,
        tarfile.open(
            fileobj=stream,
            mode="w",
            format=tarfile.GNU_FORMAT,  # dpkg reads no other long names
        ) as tar,
    ):
        folders: set[str] = set()
        for name, path in trees.items():
            for parent in reversed(Path(name).parents):
                if str(parent) != "." and str(parent) not in folders:
                    folders.add(str(parent))
                    entry = tarfile.TarInfo(f"{prefix}{parent}")
                    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, made
                    entry.uname = entry.gname = "root"
                    tar.addfile(entry)
            for inside in [path, *(sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else [])]:
                _add(tar, inside, prefix + str(Path(name) / inside.relative_to(path)), made)
    return archive


def _add(tar: tarfile.TarFile, path: Path, name: str, made: int) -> None:
    entry = tar.gettarinfo(path, name)
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = made
    if not entry.issym():
        entry.mode = 0o755 if entry.isdir() or path.stat().st_mode & 0o100 else 0o644
    if entry.isreg():
        with path.open("rb") as content:
            tar.addfile(entry, content)
    else:
        tar.addfile(entry)
