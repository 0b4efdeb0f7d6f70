"""Names of the parts of a page."""

from PySide6.QtCore import QObject


def name_parts(**parts: QObject) -> None:
    """Set the object names by which tests, and tools that read the window, find widgets and models."""
    for name, part in parts.items():
        part.setObjectName(name.replace("_", "-"))
