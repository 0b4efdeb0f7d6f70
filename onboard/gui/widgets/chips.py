"""Counts that filter: "All 248 · ✓ Ready 240 · ▲ Warned 2 · ✕ Blocked 6". Exactly one is selected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QWidget

from onboard.gui import icons
from onboard.gui.text import tr
from onboard.gui.theme import FOCUS_RING, S4, S8, S12, Role, Theme
from onboard.gui.widgets.flow import Flow
from onboard.gui.widgets.mark import Mark


@dataclass(frozen=True, slots=True)
class Chip:
    """`Chips.picked` emits `key`; a chip without a mark stands for all."""

    key: str
    label: str
    mark: Mark | None = None


class Chips(QWidget):
    """Arrow keys move between chips; Space or a click selects one. Counts change in place."""

    picked = Signal(str)

    def __init__(self, name: str, chips: Sequence[Chip], parent: QWidget | None = None) -> None:
        """`name` is for screen readers. The first chip is selected."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self._buttons: dict[str, _ChipButton] = {}
        self._group = QButtonGroup(self)
        row = Flow(S8, self)
        for chip in chips:
            button = _ChipButton(chip, self)
            self._buttons[chip.key] = button
            self._group.addButton(button)
            row.addWidget(button)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        if chips:
            self._buttons[chips[0].key].setChecked(True)
        self._group.buttonToggled.connect(self._toggled)

    @property
    def current(self) -> str:
        """The key of the selected chip."""
        return next((key for key, button in self._buttons.items() if button.isChecked()), "")

    def pick(self, key: str) -> None:
        self._buttons[key].setChecked(True)

    def set_counts(self, counts: Mapping[str, int]) -> None:
        """Set the counts, by key; chips that are not named have 0."""
        for key, button in self._buttons.items():
            button.set_count(counts.get(key, 0))

    def set_offered(self, key: str, offered: bool) -> None:
        """Show or hide a chip, for a group that does not always exist. A hidden chip is never selected."""
        button = self._buttons[key]
        button.setVisible(offered)
        if not offered and button.isChecked():
            next(iter(self._buttons.values())).setChecked(True)

    def _toggled(self, button: QAbstractButton, checked: bool) -> None:
        if checked and isinstance(button, _ChipButton):
            self.picked.emit(button.chip.key)


class _ChipButton(QAbstractButton):
    def __init__(self, chip: Chip, parent: QWidget) -> None:
        super().__init__(parent)
        self.chip = chip
        self._count = 0
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._name()

    def set_count(self, count: int) -> None:
        if count != self._count:
            wider = len(f"{count:,}") != len(f"{self._count:,}")
            self._count = count
            self._name()
            if wider:  # digits have equal widths: nothing moves while only their values change
                self.updateGeometry()
            self.update()

    def _name(self) -> None:
        self.setText(tr("{label} {count}", label=self.chip.label, count=f"{self._count:,}"))
        self.setAccessibleName(self.text())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(_font())
        width = metrics.horizontalAdvance(self.text()) + 2 * S12
        if self.chip.mark is not None:
            width += Theme.current().glyph_size() + S4
        return QSize(width, metrics.height() + S12)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme, chip = Theme.current(), self.chip
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused, chosen = self.hasFocus(), self.isChecked()
        line = FOCUS_RING if focused else 1
        painter.setPen(QPen(theme.colour("accent" if chosen or focused else "border"), line))
        ground = "accent_soft" if chosen else "raised" if self.underMouse() or self.isDown() else "surface"
        painter.setBrush(theme.colour(ground))
        outline = QRectF(self.rect()).adjusted(line / 2, line / 2, -line / 2, -line / 2)
        painter.drawRoundedRect(outline, outline.height() / 2, outline.height() / 2)
        x = float(S12)
        if chip.mark is not None:
            side = theme.glyph_size()
            place = QRectF(x - 1, (self.height() - side) / 2, side, side)
            icons.paint(painter, chip.mark.glyph, theme.colour(chip.mark.tone), place)
            x += side + S4
        painter.setFont(_font())
        painter.setPen(theme.colour("text"))
        rest = QRectF(x, 0, self.width() - x, self.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, self.text())


def _font() -> QFont:
    font = QFont(Theme.current().font(Role.TABLE))
    font.setWeight(QFont.Weight.Medium)
    return font
