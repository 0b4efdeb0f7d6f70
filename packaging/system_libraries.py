"""The libraries of the operating system that the packaged program takes along on Linux: which, and whose they are."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

FOLDERS = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")


def left_out(files: Mapping[str, str], of_the_system: Iterable[str]) -> set[str]:
    """Those of `files` (name → path) to leave out: what is always the system's, and what only that would ask for."""
    theirs = {Path(name).name for name, path in files.items() if path.startswith(FOLDERS)}
    paths = {Path(name).name: path for name, path in files.items()}
    asked = [name for name in paths if name not in theirs]
    kept = set(asked)
    while asked:
        for name in needed(paths[asked.pop()]) & theirs - kept - set(of_the_system):
            kept.add(name)
            asked.append(name)
    return {name for name in files if Path(name).name not in kept}


def needed(file: str) -> set[str]:
    """The names of the libraries that this one is linked with."""
    told = subprocess.run(["objdump", "-p", file], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"^\s+NEEDED\s+(\S+)$", told, re.MULTILINE))


def licences(files: Iterable[str]) -> dict[str, bytes]:
    """Debian package → the text of its licences, for those of `files` that Debian's packages brought."""
    found: dict[str, bytes] = {}
    for file in {os.path.realpath(file) for file in files if file.startswith(FOLDERS)}:
        package = _package_of(file)
        text = Path("/usr/share/doc") / package / "copyright"
        if package and text.is_file():
            found[package] = text.read_bytes()
    return found


def _package_of(file: str) -> str:
    if shutil.which("dpkg-query") is None:
        return ""
    for name in (file, file.removeprefix("/usr")):  # where /lib is a link, dpkg may know either name
        told = subprocess.run(["dpkg-query", "--search", name], capture_output=True, text=True, check=False)
        if told.returncode == 0:
            return told.stdout.partition(":")[0]
    return ""
