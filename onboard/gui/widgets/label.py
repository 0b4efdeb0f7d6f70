"""Text and glyphs that follow the theme automatically."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from onboard.gui import icons
from onboard.gui.theme import Role, Theme
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.tips import set_tip


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet uses, and re-apply the style sheet."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        widget.update()


class Label(QLabel):
    """A text in one role and one colour. Always plain text, so that server output is never interpreted as markup."""

    def __init__(
        self,
        text: str = "",
        *,
        role: Role = Role.BODY,
        tone: str = "text",
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role.value)
        self.setProperty("tone", tone)
        self.setWordWrap(wrap)
        if wrap:
            self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )

    def set_tone(self, tone: str) -> None:
        restyle(self, "tone", tone)


class ElidedLabel(Label):
    """One line of text that is elided to fit; the tool tip then has all of it."""

    def __init__(
        self,
        text: str = "",
        *,
        role: Role = Role.BODY,
        tone: str = "text",
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, role=role, tone=tone, parent=parent)
        self._elide = elide
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), QFontMetrics(self.font()).averageCharWidth() * 6), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        metrics = QFontMetrics(self.font())
        text = metrics.elidedText(self.text(), self._elide, self.width())
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)

    def setText(self, text: str) -> None:  # noqa: N802
        super().setText(text)
        self._tell()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._tell()

    def _tell(self) -> None:
        fits = QFontMetrics(self.font()).horizontalAdvance(self.text()) <= self.width()
        set_tip(self, "" if fits else self.text())


class Glyph(QWidget):
    """An icon as large as the text next to it. `word` is for screen readers."""

    def __init__(self, name: str, tone: str = "text", *, word: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._tone = name, tone
        self.setAccessibleName(word)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_icon(self, name: str, tone: str, word: str = "") -> None:
        self._name, self._tone = name, tone
        self.setAccessibleName(word)
        self.update()

    def set_mark(self, mark: Mark, word: str = "") -> None:
        self.set_icon(mark.glyph, mark.tone, word)

    def sizeHint(self) -> QSize:  # noqa: N802
        side = Theme.current().glyph_size()
        return QSize(side, max(side, QFontMetrics(self.font()).height()))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = Theme.current()
        side = theme.glyph_size()
        rect = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        icons.paint(QPainter(self), self._name, theme.colour(self._tone), rect)


class Line(QFrame):
    """A thin line between parts."""

    def __init__(self, orientation: Qt.Orientation = Qt.Orientation.Horizontal, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("line", "true")
        if orientation is Qt.Orientation.Horizontal:
            self.setFixedHeight(1)
        else:
            self.setFixedWidth(1)
