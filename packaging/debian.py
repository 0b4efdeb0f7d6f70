"""Makes the Debian package: the folder under /usr/lib, its programs on PATH, an entry in the desktop's menu.

Sources: deb(5), and the Desktop Entry and Icon Theme specifications of freedesktop.org.
"""

import hashlib
import platform
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archive import tar_xz
from contents import LIBRARIES_OF_THE_SYSTEM, ROOT
from images import DRAWING, SIZES

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
HOME = "usr/lib/onboard"
DESKTOP = ROOT / "packaging" / "linux" / "onboard.desktop"
CONTROL = """\
Package: onboard
Version: {version}
Architecture: {architecture}
Maintainer: Onboard <onboard@onboard.invalid>
Installed-Size: {kilobytes}
Depends: {depends}
Section: admin
Priority: optional
Description: Takes on-premises servers into AWS Systems Manager as managed nodes
 A wizard, and the same engine on the command line. Needs no Python: its own is inside.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """`folder`: the built program; `made`: the date of its files; `work`: where its icons lie, onboard-SIZE.png."""

    folder: Path
    version: str
    made: int
    work: Path

    def write(self, into: Path) -> Path:
        """Write the .deb; its path. KeyError on a machine that Debian's name is not known of."""
        architecture = ARCHITECTURES[platform.machine()]
        package = into / f"onboard_{self.version}_{architecture}.deb"
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            trees = self._trees(scratch)
            content = {file: path for file, path in _files(trees) if not path.is_symlink()}
            size = sum(path.stat().st_size for path in content.values())
            control = CONTROL.format(
                version=self.version,
                architecture=architecture,
                kilobytes=size // 1024 + 1,
                depends=", ".join(self._depends(content)),
            )
            sums = "".join(f"{_md5(path)}  {file}\n" for file, path in sorted(content.items()))
            for file, text in (("control", control), ("md5sums", sums)):
                (scratch / file).write_text(text, encoding="utf-8")
            controls = {"control": scratch / "control", "md5sums": scratch / "md5sums"}
            members = [
                tar_xz(controls, scratch / "control.tar.xz", self.made, "./"),
                tar_xz(trees, scratch / "data.tar.xz", self.made, "./"),
            ]
            with package.open("wb") as archive:
                archive.write(b"!<arch>\n")
                archive.write(_member("debian-binary", b"2.0\n", self.made))
                for member in members:
                    archive.write(_member(member.name, member.read_bytes(), self.made))
        return package

    def _trees(self, scratch: Path) -> dict[str, Path]:
        """path in the package → what lies there."""
        trees = {HOME: self.folder, "usr/share/applications/onboard.desktop": DESKTOP}
        for program in ("onboard", "onboard-gui"):
            link = scratch / program
            link.symlink_to(f"../lib/onboard/{program}")
            trees[f"usr/bin/{program}"] = link
        icons = "usr/share/icons/hicolor"
        for size in SIZES:
            trees[f"{icons}/{size}x{size}/apps/onboard.png"] = self.work / f"onboard-{size}.png"
        trees[f"{icons}/scalable/apps/onboard.svg"] = DRAWING
        notice = scratch / "copyright"
        notice.write_text(
            f"{(ROOT / 'LICENSE').read_text('utf-8')}\nThe licences of what it contains: /{HOME}/_internal/licences\n",
            encoding="utf-8",
        )
        trees["usr/share/doc/onboard/copyright"] = notice
        return trees

    def _depends(self, content: Mapping[str, Path]) -> list[str]:
        """The packages of the libraries that were left to the system, of those that any file here asks for."""
        asked = b"\0".join(path.read_bytes() for path in content.values() if _is_elf(path))
        packages = {
            package for library, package in LIBRARIES_OF_THE_SYSTEM.items() if f"\0{library}\0".encode() in asked
        }
        newest = max((int(number) for number in re.findall(rb"\0GLIBC_2\.(\d+)\0", asked)), default=17)
        return sorted({*packages - {"libc6"}, f"libc6 (>= 2.{newest})"})


def _files(trees: Mapping[str, Path]) -> list[tuple[str, Path]]:
    found = []
    for name, path in trees.items():
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [(str(Path(name) / file.relative_to(path)), file) for file in inside if not file.is_dir()]
    return found


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _member(name: str, content: bytes, made: int) -> bytes:
    head = f"{name:<16}{made:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return head + content + b"\n" * (len(content) % 2)
