"""Draws every page of the wizard without a screen, to check that all the needed parts of Qt are present."""

import sys
from collections.abc import Mapping

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontDatabase, QImage
from PySide6.QtWidgets import QApplication, QWidget

from onboard import resources
from onboard.gui import icons

SIZE = QSize(1100, 700)


def look(pages: Mapping[str, QWidget]) -> int:
    """Draw every icon and page. Return exit code 1, with the fault on standard error, if one comes out empty."""
    wrong = []
    if not QFontDatabase.families():
        wrong.append("no fonts are installed")
    if icons.app_icon().pixmap(32).isNull():
        wrong.append("the program's icon cannot be drawn")
    names = [file.name.removesuffix(".svg") for file in resources.resource("icons").iterdir()]
    wrong += [f"the icon {name} cannot be drawn" for name in names if icons.icon(name).pixmap(16).isNull()]
    for name, page in pages.items():
        page.resize(SIZE)
        QApplication.processEvents()
        if not _shows_something(page.grab().toImage()):
            wrong.append(f"the page {name} comes out empty")
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


def _shows_something(image: QImage) -> bool:
    colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    return len(colours) > 1
