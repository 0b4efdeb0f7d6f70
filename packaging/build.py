"""Builds the packaged program into dist/: the folder, and for Linux an archive of it and a Debian package.

    python3 packaging/get_started.py build [--folder-only] [--into DIR]

Run by that command, in the .venv that it makes. On Windows it also makes the installer where Inno Setup's `iscc` is on
PATH; on macOS the folder is Onboard.app too. It builds only for the system that it runs on.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import contents
import debian
import images
import sizes
from archive import tar_xz

HERE = Path(__file__).resolve().parent
WORK = contents.ROOT / "build" / "packaged"
WINDOWS_VERSION = """\
VSVersionInfo(
  ffi=FixedFileInfo(filevers=({numbers}), prodvers=({numbers})),
  kids=[
    StringFileInfo([StringTable("040904B0", [
      StringStruct("FileDescription", "Onboard"),
      StringStruct("FileVersion", "{version}"),
      StringStruct("ProductName", "Onboard"),
      StringStruct("ProductVersion", "{version}"),
    ])]),
    VarFileInfo([VarStruct("Translation", [1033, 1200])]),
  ],
)
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="build")
    parser.add_argument("--folder-only", action="store_true", help="no archive and no installer")
    parser.add_argument("--into", type=Path, default=contents.ROOT / "dist", metavar="DIR", help="default: dist")
    options = parser.parse_args()
    into = options.into.resolve()
    folder = build_folder(into)
    made = [] if options.folder_only else build_installers(folder, into)
    say(sizes.table(folder))
    say(f"\n{folder}")
    for path in made:
        say(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def build_folder(into: Path) -> Path:
    """Build into/onboard (on macOS also into/Onboard.app). CalledProcessError when PyInstaller fails."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    (WORK / "build.json").write_text(json.dumps(build_stamp()) + "\n", encoding="ascii")
    numbers = ", ".join([*contents.version().split("."), "0"][:4])
    version = WINDOWS_VERSION.format(version=contents.version(), numbers=numbers)
    (WORK / "version-windows.txt").write_text(version, encoding="ascii")
    for size, png in images.write(WORK).items():
        (WORK / f"onboard-{size}.png").write_bytes(png)
    command = [sys.executable, "-m", "PyInstaller", str(HERE / "onboard.spec"), "--noconfirm", "--log-level=WARN"]
    places = ["--distpath", str(into), "--workpath", str(WORK / "pyinstaller")]
    environment = {**os.environ, "ONBOARD_BUILD": str(WORK), "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(changed())}
    subprocess.run([*command, *places], env=environment, check=True, cwd=contents.ROOT)
    if sys.platform == "linux":
        (into / "onboard" / "onboard-gui").symlink_to("onboard")
        strip(into / "onboard")
    return into / "onboard"


def strip(folder: Path) -> None:
    """Take what only debuggers read out of Python and its extensions: half of their size.

    Qt stays as it was published, and so do libraries that a wheel has rewritten, which strip breaks.
    """
    for file in folder.rglob("*.so*"):
        inside = str(file.relative_to(folder))
        if not file.is_symlink() and not any(part in inside for part in ("PySide6", "shiboken6", ".libs/")):
            subprocess.run(["strip", "--strip-unneeded", str(file)], check=True)


def build_installers(folder: Path, into: Path) -> list[Path]:
    """What people download, made for the system that this runs on."""
    system = platform.system()
    name = f"onboard-{contents.version()}-{system.lower()}-{platform.machine().lower()}"
    if system == "Linux":
        package = debian.Package(folder, contents.version(), changed(), WORK)
        with ThreadPoolExecutor() as both:  # compressing needs no interpreter
            archive = both.submit(tar_xz, {"onboard": folder}, into / f"{name}.tar.xz", changed())
            deb = both.submit(package.write, into)
            return [archive.result(), deb.result()]
    if system == "Windows" and shutil.which("iscc"):
        defined = [f"/DVersion={contents.version()}", f"/DFolder={folder}", f"/DIcon={WORK / 'onboard.ico'}"]
        subprocess.run(["iscc", *defined, f"/O{into}", f"/F{name}", str(HERE / "windows" / "onboard.iss")], check=True)
        return [into / f"{name}.exe"]
    return []


def build_stamp() -> dict[str, str]:
    """What distinguishes this build from others of the same version: the commit and its date."""
    commit = git("rev-parse", "--short=12", "HEAD")
    if commit and git("status", "--porcelain", "--untracked-files=no"):
        commit += "+changes"
    return {"build": commit or "unknown", "date": datetime.fromtimestamp(changed(), UTC).date().isoformat()}


def changed() -> int:
    """When the source was last changed, in seconds since the epoch: the date of everything in the archives."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 0)


def git(*arguments: str) -> str:
    """What git says of this checkout; "" without git."""
    try:
        told = subprocess.run(["git", *arguments], cwd=contents.ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
