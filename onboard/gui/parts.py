"""Names of the parts of a page."""

from PySide6.QtCore import QObject


def name_parts(**parts: QObject) -> None:
    """Give widgets and models the names by which tests, and tools that read the window, find them."""
    for name, part in parts.items():
        part.setObjectName(name.replace("_", "-"))
