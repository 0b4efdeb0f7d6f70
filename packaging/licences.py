"""Gathers the licences of everything that the packaged program contains."""

import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

TEXTS = Path(__file__).resolve().parent / "licences"
MARKS = ("licen", "copying", "notice", "authors")  # what files with a licence's text are called
NOT_TEXTS = (".py", ".pyc", ".so", ".pyd", ".json")
BOOTLOADER = "pyinstaller"  # its bootloader is the packaged program's executable
QT = ("pyside6_essentials", "shiboken6")  # their texts lie in TEXTS, as those of distributions that bring none
PLAIN = {"MIT": "MIT.txt", "MIT License": "MIT.txt"}

NOTICE = """\
This program contains the libraries of Qt {version} and PySide6, which are free software under the GNU Lesser General
Public License, version 3 (LGPL-3.0.txt here, which builds on GPL-3.0.txt). They are unmodified, and are in the
folder PySide6 next to this one, as published: you may replace them with your own versions of the same interface, and
for that purpose reverse-engineer this program. Their source is at https://code.qt.io and https://download.qt.io, under
version {version}.

Paramiko (LGPL 2.1), AsyncSSH (EPL 2.0) and certifi (MPL 2.0) are unmodified too, and are files in folders of their
names, which you may replace with your own versions. Their source is published on the Python Package Index, in the
versions named below.
"""


def distributions_of(files: Iterable[str]) -> list[Distribution]:
    """The installed distributions that any of these files belongs to, by name."""
    owners: dict[str, Distribution] = {}
    for distribution in distributions():
        for file in distribution.files or ():
            owners[str(Path(str(file.locate())).resolve())] = distribution
    paths = {str(Path(file).resolve()) for file in files}
    found = {owners[path].name: owners[path] for path in paths & owners.keys()}
    return [found[name] for name in sorted(found, key=str.lower)]


def licence_of(distribution: Distribution) -> str:
    """Its licence in a word or two, as it says itself; "" when it does not."""
    about = distribution.metadata
    classifiers = about.get_all("Classifier") or []
    named = " AND ".join(line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: OSI"))
    first = _said(distribution, "License").strip().partition("\n")[0]
    return _said(distribution, "License-Expression") or named or first


def _said(distribution: Distribution, key: str) -> str:
    return next(iter(distribution.metadata.get_all(key) or ()), "")


def texts_of(distribution: Distribution) -> dict[str, bytes]:
    """Its licence's files: name → content."""
    found = {}
    for file in distribution.files or ():
        name = file.name.lower()
        inside = any(part.endswith((".dist-info", ".egg-info")) for part in file.parts)
        if inside and name.startswith(MARKS) and not name.endswith(NOT_TEXTS):
            found["-".join(file.parts[1:]).removeprefix("licenses-")] = Path(str(file.locate())).read_bytes()
    return found


def gather(files: Iterable[str], folder: Path, system: Mapping[str, bytes]) -> list[str]:
    """Write the licences of what these files belong to into `folder`; names of those without any text.

    system   name → text, of what comes from the operating system this is built on
    """
    folder.mkdir(parents=True)
    lines, lacking = [], []
    contained = {one.name: one for one in distributions_of(files)}
    contained |= {one.name: one for one in distributions() if one.name.lower() == BOOTLOADER}
    for distribution in contained.values():
        texts = texts_of(distribution)
        for name, content in texts.items():
            place = folder / distribution.name
            place.mkdir(exist_ok=True)
            (place / name).write_bytes(content)
        licence = licence_of(distribution)
        if not texts and distribution.name.lower() not in QT and licence not in PLAIN:
            lacking.append(distribution.name)
        elsewhere = "" if texts else f" ({PLAIN.get(licence, 'LGPL-3.0.txt')})"
        author = "" if texts else f", by {_said(distribution, 'Author') or 'its authors'}"
        lines.append(f"{distribution.name} {distribution.version}{author}: {licence or 'see its folder'}{elsewhere}")
    python = next(Path(sys.base_prefix).glob("**/LICENSE.txt"), None)
    if python is not None:
        (folder / "Python.txt").write_bytes(python.read_bytes())
    lines.append(f"Python {sys.version.split()[0]}: PSF-2.0 (Python.txt)")
    for name, content in sorted(system.items()):
        (folder / f"{name}.txt").write_bytes(content)
        lines.append(f"{name}, of the system this was built on: {name}.txt")
    for text in TEXTS.iterdir():
        (folder / text.name).write_bytes(text.read_bytes())
    version = next((one.version for one in distributions() if one.name.lower() == "shiboken6"), "")
    (folder / "CONTENTS.txt").write_text(f"{NOTICE.format(version=version)}\n" + "\n".join(lines) + "\n", "utf-8")
    return lacking
