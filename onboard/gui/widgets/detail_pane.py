"""Details of the selection: what was found, why it matters, how to fix it, and a button that does it."""

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from onboard.gui.text import tr
from onboard.gui.theme import S4, S8, S12, S16, Role, Theme
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.label import Glyph, Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.verbatim import Command, Verbatim

WIDTH, NARROWEST = 36, 22  # characters


@dataclass(frozen=True, slots=True)
class Detail:
    """What to show. Empty parts are left out.

    title     what it is about: `srv-db-02 · Clock`
    mark      with `status`, one line on how it stands
    why       one sentence: why it matters
    facts     (name, value) pairs that the table has no room for, values in full
    seen      evidence, verbatim
    remedy    what to do, in words
    commands  commands to type, each with its own copy button
    action    label of the button that does it here: a verb with its Alt letter
    """

    title: str
    mark: Mark | None = None
    status: str = ""
    why: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    seen: str = ""
    remedy: str = ""
    commands: tuple[str, ...] = ()
    action: str = ""


class DetailPane(QFrame):
    """`show_detail` replaces the content; an equal detail changes nothing, so that reading is not disturbed.

    Use stretch 1 next to a table with stretch 2: a readable width, and a third of the page if there is little room.
    """

    acted = Signal()

    def __init__(self, hint: str = "", parent: QWidget | None = None) -> None:
        """`hint` is shown while nothing is selected."""
        super().__init__(parent)
        self.setProperty("card", "plain")
        self.setAccessibleName(tr("Details"))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Expanding)
        self._hint = hint
        self._detail: Detail | None = None
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.viewport().setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, S4, 1, S4)
        column.addWidget(self._area)
        self._show(None)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        letter = QFontMetrics(Theme.current().font(Role.BODY)).averageCharWidth()
        return QSize(letter * WIDTH + 2 * S16, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        letter = QFontMetrics(Theme.current().font(Role.BODY)).averageCharWidth()
        return QSize(letter * NARROWEST + 2 * S16, letter * NARROWEST)

    @property
    def detail(self) -> Detail | None:
        return self._detail

    def show_detail(self, detail: Detail | None) -> None:
        """Show the detail of the selection; None if nothing is selected."""
        if detail == self._detail:
            return
        same = detail is not None and self._detail is not None and detail.title == self._detail.title
        place = self._area.verticalScrollBar().value() if same else 0
        self._show(detail)
        self._area.verticalScrollBar().setValue(place)

    def _show(self, detail: Detail | None) -> None:
        self._detail = detail
        content = QWidget()
        content.setProperty("scrolled", "true")
        column = QVBoxLayout(content)
        column.setContentsMargins(S16, S8, S16, S8)
        column.setSpacing(S8)
        if detail is None:
            column.addWidget(Label(self._hint, tone="muted", wrap=True))
        else:
            self._fill(column, detail)
        column.addStretch()
        self._area.setWidget(content)

    def _fill(self, column: QVBoxLayout, detail: Detail) -> None:
        column.addWidget(Label(detail.title, role=Role.STRONG, wrap=True, selectable=True))
        if detail.status:
            column.addLayout(_status_line(detail))
        if detail.why:
            column.addWidget(Label(detail.why, tone="muted", wrap=True, selectable=True))
        for name, value in detail.facts:
            column.addLayout(_fact(name, value))
        if detail.seen:
            column.addSpacing(S4)
            column.addWidget(Label(tr("Seen"), tone="muted"))
            column.addWidget(Verbatim(tr("Seen"), detail.seen))
        if detail.remedy or detail.commands:
            column.addSpacing(S4)
            column.addWidget(Label(tr("To fix"), tone="muted"))
        if detail.remedy:
            is_lead = bool(detail.commands) and not detail.remedy.endswith(".")
            words = f"{detail.remedy}:" if is_lead else detail.remedy
            column.addWidget(Label(words, wrap=True, selectable=True))
        for command in detail.commands:
            column.addWidget(Command(tr("To fix"), command))
        if detail.action:
            button = Button(detail.action)
            button.clicked.connect(self.acted)
            column.addSpacing(S4)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)


def _status_line(detail: Detail) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(S4)
    tone = "text"
    if detail.mark is not None:
        tone = detail.mark.tone
        row.addWidget(Glyph(detail.mark.glyph, tone), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(Label(detail.status, tone=tone, wrap=True, selectable=True), 1)
    return row


def _fact(name: str, value: str) -> QVBoxLayout:
    """The name above the value: values are ids and lists of names and need the full width."""
    pair = QVBoxLayout()
    pair.setSpacing(0)
    pair.setContentsMargins(0, 0, S12, 0)
    pair.addWidget(Label(name, role=Role.CAPTION, tone="muted"))
    pair.addWidget(Verbatim(name, value, framed=False))
    return pair
