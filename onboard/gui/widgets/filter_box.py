"""The field for filter text."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from onboard.gui import icons
from onboard.gui.text import tr
from onboard.gui.theme import S4, S8, Theme
from onboard.gui.widgets.tips import set_tip

LENGTH = 32  # width in characters


class FilterBox(QLineEdit):
    """Ctrl+F focuses the field, Esc clears it. `textChanged` emits the text to look for."""

    def __init__(self, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setClearButtonEnabled(True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        shortcut.activated.connect(self._come)
        set_tip(self, tr("Filter ({keys})", keys=shortcut.key().toString(QKeySequence.SequenceFormat.NativeText)))
        self._make_room()

    def _come(self) -> None:
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def _make_room(self) -> None:
        self.setTextMargins(Theme.current().glyph_size() + S4 - 2, 0, 0, 0)
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        wide = QFontMetrics(self.font()).averageCharWidth() * LENGTH
        return QSize(wide + Theme.current().glyph_size(), super().sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._make_room()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        side = Theme.current().glyph_size()
        place = QRectF(S8, (self.height() - side) / 2, side, side)
        icons.paint(QPainter(self), "search", Theme.current().colour("muted"), place)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)
