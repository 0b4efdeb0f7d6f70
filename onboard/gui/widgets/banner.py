"""A notice across the page: what happened, then what to do, with the buttons to do it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLayout,
    QSizePolicy,
    QStyle,
    QWidget,
)

from onboard.gui.parts import name_parts
from onboard.gui.text import tr
from onboard.gui.theme import S4, S8, S12, S16, Role, Theme
from onboard.gui.widgets.column import Column
from onboard.gui.widgets.label import Glyph, Label, restyle
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.verbatim import Commands

SHORTEST_LINE = 44  # minimum width of the text next to the buttons, in average characters

_CARDS = {Mark.DONE: "ok", Mark.WARN: "warn", Mark.BAD: "bad", Mark.INFO: "info"}


class Banner(QFrame):
    """`mark` is DONE, WARN, BAD or INFO."""

    def __init__(self, mark: Mark, what: str, then: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._glyph = Glyph(mark.glyph, mark.tone)
        self._what = Label(what, role=Role.STRONG, wrap=True, selectable=True)
        self._then = Label(then, wrap=True, selectable=True)
        texts = Column()
        texts.setSpacing(S4)
        texts.addWidget(self._what)
        texts.addWidget(self._then)
        self._commands = Commands(tr("To fix"))
        texts.addWidget(self._commands)
        name_parts(then=self._then)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(S8)
        notice = QHBoxLayout()
        notice.setSpacing(S12)
        notice.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignTop)
        notice.addLayout(texts, 1)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(S16, S12, S16, S12)
        self._row.setSpacing(S12)
        self._row.addLayout(notice, 1)
        self._row.addLayout(self._buttons)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.show_notice(mark, what, then)

    def show_notice(self, mark: Mark, what: str, then: str = "", commands: Sequence[str] = ()) -> None:
        """`what` happened, in one sentence; `then` what to do, with its `commands`."""
        words = {Mark.DONE: tr("Done"), Mark.WARN: tr("Warning"), Mark.BAD: tr("Problem"), Mark.INFO: tr("Note")}
        restyle(self, "card", _CARDS[mark])
        self._glyph.set_mark(mark, words[mark])
        self._what.setText(what)
        self._then.setText(then)
        self._then.setVisible(bool(then))
        self._commands.set_commands(commands)
        self.setAccessibleName(" ".join((f"{words[mark]}: {what} {then}".strip(), *commands)))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        place_buttons(self._row, self._buttons, self.width())

    def add_button(self, button: QAbstractButton) -> None:
        """Add a button on the right, in reading order."""
        self._buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)


def place_buttons(row: QBoxLayout, buttons: QLayout, width: int) -> None:
    """Put the buttons next to the text if the row's `width` leaves it enough room, otherwise below it.

    They move back up only if there is room for a scroll bar as well. Otherwise, where one height brings a scroll bar
    and the other removes it, they would keep changing places.
    """
    least = QFontMetrics(Theme.current().font(Role.BODY)).averageCharWidth() * SHORTEST_LINE
    if row.direction() is QBoxLayout.Direction.TopToBottom:
        least += 2 * QApplication.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
    beside = width - buttons.sizeHint().width() >= least
    row.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)
    row.setStretch(0, int(beside))  # the text takes the remaining width, but no height
    buttons.setAlignment(Qt.AlignmentFlag.AlignRight)
