"""Tool tips, always as plain text: Qt takes what looks like HTML for HTML, also where a server wrote it.

Every tool tip is set or shown here; tests compare. Message boxes, which do the same, take their text through `plain`.
"""

from html import escape

from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAction, QHelpEvent
from PySide6.QtGui import Qt as Gui
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QToolTip, QWidget

_NOWHERE = QRect()


def plain(text: str) -> str:
    """`text` for a part of Qt that recognises HTML: it shows the characters of `text` and interprets none of them."""
    if not Gui.mightBeRichText(text):
        return text
    lines = escape(text).replace("\n", "<br>")
    return f"<qt>{lines}</qt>"


def set_tip(on: QWidget | QAction, text: str) -> None:
    on.setToolTip(plain(text))


def show_tip(at: QPoint, text: str, widget: QWidget, area: QRect = _NOWHERE) -> None:
    """Show it at `at`, a place on the screen, until the pointer leaves `area` of the widget."""
    QToolTip.showText(at, plain(text), widget, area)


def show_views_tip(view: QAbstractItemView, event: QEvent) -> bool:
    """For `viewportEvent` of every view: show what its model has at the pointer. False if the event is another."""
    if event.type() != QEvent.Type.ToolTip or not isinstance(event, QHelpEvent):
        return False
    tip, area = _found(view, event.pos())
    show_tip(event.globalPos(), str(tip or ""), view.viewport(), area)
    return True


def _found(view: QAbstractItemView, at: QPoint) -> tuple[object, QRect]:
    role = Qt.ItemDataRole.ToolTipRole
    if isinstance(view, QHeaderView):
        section = view.logicalIndexAt(at)
        left = view.sectionViewportPosition(section)
        area = QRect(left, 0, view.sectionSize(section), view.viewport().height())
        return (view.model().headerData(section, view.orientation(), role) if section >= 0 else None), area
    index = view.indexAt(at)
    return (index.data(role) if index.isValid() else None), view.visualRect(index)
