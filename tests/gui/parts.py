"""Finds parts of a page by their object names."""

from typing import TypeVar

from PySide6.QtCore import QObject

Part = TypeVar("Part", bound=QObject)


def part(root: QObject, name: str, kind: type[Part]) -> Part:
    """The only part of `root` with that name."""
    found = root.findChildren(kind, name)
    assert len(found) == 1, f"{len(found)} parts of {root.objectName() or root} are {kind.__name__} {name!r}"
    return found[0]
