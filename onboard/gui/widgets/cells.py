"""Cell delegates. They paint only text, glyphs and backgrounds, so that a full screen takes a few milliseconds."""

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from onboard.gui import icons
from onboard.gui.index import Index
from onboard.gui.theme import FOCUS_RING, S4, S8, Role, Theme
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark

PADDING = 10  # left and right of a cell's content
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter


class CellTable(QTableView):
    """What cells need to know from their table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hovered = -1  # the row under the pointer

    def is_current(self, index: Index) -> bool:
        """Whether the keyboard focus is in that row, or in that cell if the table selects cells."""
        raise NotImplementedError

    def edges(self, index: Index) -> tuple[bool, bool]:
        """Whether the cell is the first and whether it is the last within its focus ring."""
        raise NotImplementedError


class Cell(QStyledItemDelegate):
    """Base class: paints the row's background, the line below it and the focus ring. Subclasses draw the content.

    `gives`: the column may become narrower than its content if the table lacks room.
    """

    alignment = LEFT
    gives = False

    def __init__(self) -> None:
        super().__init__()
        self.table: CellTable | None = None

    def join(self, table: CellTable) -> None:
        """Attach the cell to a table, which owns it from then on."""
        self.setParent(table)
        self.table = table

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        """Draw the content. `rect` is the cell without padding; the painter's state does not have to be restored."""
        raise NotImplementedError

    def width(self, index: Index, theme: Theme) -> int:
        """The size of the content, without padding."""
        raise NotImplementedError

    def ground(self, index: Index, theme: Theme) -> QBrush | None:
        """The background of the cell while its row is not selected; None for the table's own background."""
        return None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, rect, table = Theme.current(), option.rect, self.table
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("accent_soft"))
        elif (ground := self.ground(index, theme)) is not None:
            painter.fillRect(rect, ground)
        elif table is not None and table.hovered == index.row():
            painter.fillRect(rect, theme.colour("raised"))
        painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, theme.colour("raised"))
        painter.save()
        self.draw(painter, rect.adjusted(PADDING, 0, -PADDING, 0), index, theme)
        painter.restore()
        if table is not None and table.hasFocus() and table.is_current(index):
            self._ring(painter, rect, table, index, theme)

    def _ring(self, painter: QPainter, rect: QRect, table: CellTable, index: Index, theme: Theme) -> None:
        """The focus ring goes around the row if the table selects rows, or around the cell if it selects cells."""
        colour, thick = theme.colour("accent"), FOCUS_RING
        first, last = table.edges(index)
        painter.fillRect(rect.x(), rect.y(), rect.width(), thick, colour)
        painter.fillRect(rect.x(), rect.bottom() + 1 - thick, rect.width(), thick, colour)
        if first:
            painter.fillRect(rect.x(), rect.y(), thick, rect.height(), colour)
        if last:
            painter.fillRect(rect.right() + 1 - thick, rect.y(), thick, rect.height(), colour)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        theme = Theme.current()
        return QSize(self.width(index, theme) + 2 * PADDING, theme.row_height())


class TextCell(Cell):
    """A text: prose is elided at its end, an id or address (`fixed`) in its middle; numbers are right-aligned.

    `elide` overrides where the text is elided.
    """

    def __init__(
        self,
        *,
        fixed: bool = False,
        number: bool = False,
        gives: bool | None = None,
        elide: Qt.TextElideMode | None = None,
    ) -> None:
        super().__init__()
        self._role = Role.FIXED if fixed else Role.TABLE
        self._elide = elide or (Qt.TextElideMode.ElideMiddle if fixed else Qt.TextElideMode.ElideRight)
        self.alignment = RIGHT if number else LEFT
        self.gives = (not number) if gives is None else gives

    def font(self, index: Index, theme: Theme) -> QFont:
        font = theme.font(self._role)
        if index.data(CellRole.STRONG):
            font = QFont(font)
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        draw_text(painter, rect, index, self.font(index, theme), self._elide, self.alignment, theme)

    def width(self, index: Index, theme: Theme) -> int:
        return QFontMetrics(self.font(index, theme)).horizontalAdvance(text_of(index)) + 1


class StatusCell(TextCell):
    """Glyph, word and colour: MARK sets the glyph, and the colour unless TONE does."""

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        mark = mark_of(index)
        tone = index.data(CellRole.TONE)
        if mark is not None:
            side = theme.glyph_size()
            place = QRectF(rect.x(), rect.y() + (rect.height() - side) / 2, side, side)
            icons.paint(painter, mark.glyph, theme.colour(mark.tone), place)
            rect = rect.adjusted(side + S4, 0, 0, 0)
            tone = tone or mark.tone
        draw_text(painter, rect, index, self.font(index, theme), self._elide, LEFT, theme, tone)

    def width(self, index: Index, theme: Theme) -> int:
        return super().width(index, theme) + theme.glyph_size() + S4


class MarkCell(Cell):
    """A glyph alone, for a matrix. Problems have a soft background; DisplayRole has the word."""

    alignment = CENTRE

    def ground(self, index: Index, theme: Theme) -> QBrush | None:
        mark = mark_of(index)
        if mark is not None and mark in (Mark.WARN, Mark.BAD, Mark.UNKNOWN):
            return QBrush(theme.colour(f"{mark.tone}_soft"))
        return None

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        mark = mark_of(index)
        if mark is not None:
            side = theme.glyph_size()
            middle = rect.center()
            place = QRectF(middle.x() - side / 2, rect.y() + (rect.height() - side) / 2, side, side)
            icons.paint(painter, mark.glyph, theme.colour(mark.tone), place)

    def width(self, index: Index, theme: Theme) -> int:
        return theme.glyph_size()


class BadgeCell(Cell):
    """A short text on a rounded soft background; nothing if the text is empty. TONE defaults to "idle"."""

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        text = text_of(index)
        if not text:
            return
        tone = index.data(CellRole.TONE) or "idle"
        font = theme.font(Role.TABLE)
        metrics = QFontMetrics(font)
        width = min(metrics.horizontalAdvance(text) + 2 * S8, rect.width())
        height = min(metrics.height() + 3, rect.height() - 4)
        pill = QRectF(rect.x(), rect.y() + (rect.height() - height) / 2, width, height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(f"{tone}_soft"))
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setFont(font)
        painter.setPen(theme.colour(tone))
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width - 2 * S8 + 1)
        painter.drawText(pill, CENTRE, shown)

    def width(self, index: Index, theme: Theme) -> int:
        return QFontMetrics(theme.font(Role.TABLE)).horizontalAdvance(text_of(index)) + 2 * S8


def mark_of(index: Index) -> Mark | None:
    """The cell's MARK, converted back because Qt returns a str subclass as a plain str."""
    value = index.data(CellRole.MARK)
    return Mark(value) if value else None


def text_of(index: Index) -> str:
    value = index.data(Qt.ItemDataRole.DisplayRole)
    return "" if value is None else str(value)


def draw_text(
    painter: QPainter,
    rect: QRect,
    index: Index,
    font: QFont,
    elide: Qt.TextElideMode,
    alignment: Qt.AlignmentFlag,
    theme: Theme,
    tone: str | None = None,
) -> None:
    """Draw the cell's text on one line, elided to fit, in its own tone or in `tone` if given."""
    painter.setFont(font)
    painter.setPen(theme.colour(tone or index.data(CellRole.TONE) or "text"))
    text = text_of(index)
    shown = QFontMetrics(font).elidedText(text, elide, rect.width(), int(Qt.TextFlag.TextSingleLine.value))
    painter.drawText(rect, alignment, shown)
