"""What PyInstaller's hooks of Qt's parts have in common."""

from pathlib import PurePath

from contents import QT_PLUGINS
from PyInstaller.utils.hooks.qt import add_qt6_dependencies


def part(hook: str) -> tuple[list[str], list[tuple[str, str]]]:
    """(hidden imports, binaries) of the part whose hook this file is: of Qt's plugins those that the window uses.

    Qt's own translations, the third thing that PyInstaller offers, are left out: the window speaks its own words.
    """
    imports, binaries, _ = add_qt6_dependencies(hook)
    return imports, [(file, folder) for file, folder in binaries if _is_wanted(PurePath(file))]


def _is_wanted(file: PurePath) -> bool:
    return "plugins" not in file.parts or f"{file.parent.name}/{file.stem.removeprefix('lib')}" in QT_PLUGINS
