"""Review host keys that nobody has approved: look at each fingerprint, tick what is right, approve it."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QAbstractTableModel, QObject, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QPainter, QPen, QShortcut
from PySide6.QtWidgets import QWidget

from onboard.gui import icons
from onboard.gui.index import NOWHERE, Index
from onboard.gui.servers.sheet import Sheet
from onboard.gui.text import plural, tr
from onboard.gui.theme import S4, Theme
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.cells import CENTRE, Cell, TextCell
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.tips import set_tip
from onboard.gui.widgets.verbatim import Command
from onboard.model.events import HostKeySeen

ON_THE_SERVER = "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"


class KeysSheet(Sheet):
    """`approved`, once accepted: server → fingerprint of the keys that were ticked."""

    def __init__(self, parent: QWidget | None, keys: Mapping[str, HostKeySeen], addresses: Mapping[str, str]) -> None:
        super().__init__(
            parent,
            plural("Review {n} key", "Review {n} keys", len(keys)),
            tr("A key is genuine if the server's own console, or a list you trust, shows the same fingerprint."),
            primary=tr("&Approve"),
            letters=150,
        )
        self.model = KeysModel(keys, addresses, self)
        self.table = DataTable(tr("Keys to approve"))
        self.table.set_cell(0, TickCell())
        self.table.set_cell(2, TextCell(fixed=True))
        self.table.set_cell(4, TextCell(fixed=True, gives=False))  # never shortened: it is what is compared
        self.table.setModel(self.model)
        self.table.setMinimumHeight(Theme.current().row_height() * 9)
        self.table.clicked.connect(self._clicked)
        tick = QShortcut(QKeySequence(Qt.Key.Key_Space), self.table, context=Qt.ShortcutContext.WidgetShortcut)
        tick.activated.connect(self._turn_selected)
        every, none = Button(tr("Tick a&ll")), Button(tr("Tick &none"))
        every.clicked.connect(lambda: self.model.tick_all(True))
        none.clicked.connect(lambda: self.model.tick_all(False))
        self.left.addWidget(every)
        self.left.addWidget(none)
        self.body.addWidget(Label(tr("Run this on the server's console to show its fingerprints:"), tone="muted"))
        self.body.addWidget(Command(tr("Command for the server's console"), ON_THE_SERVER))
        self.body.addWidget(self.table, 1)
        self.model.ticked.connect(self._count)
        self._count()
        self.table.setFocus()

    @property
    def approved(self) -> dict[str, str]:
        return self.model.approved()

    @Slot()
    def _count(self) -> None:
        count = len(self.model.approved())
        self.primary.setText(plural("&Approve {n} key", "&Approve {n} keys", count) if count else tr("&Approve"))
        self.primary.setEnabled(count > 0)
        set_tip(self.primary, "" if count else tr("Tick the keys that match"))

    def _clicked(self, index: Index) -> None:
        if index.column() == 0:
            self.model.turn([index.row()])

    def _turn_selected(self) -> None:
        self.model.turn(self.table.selected_rows())


class KeysModel(QAbstractTableModel):
    ticked = Signal()

    def __init__(
        self, keys: Mapping[str, HostKeySeen], addresses: Mapping[str, str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._addresses = addresses
        self._keys = list(keys.values())
        self._ticked: set[str] = set()

    def approved(self) -> dict[str, str]:
        return {key.host: key.fingerprint for key in self._keys if key.host in self._ticked}

    def tick_all(self, on: bool) -> None:
        self._ticked = {key.host for key in self._keys} if on else set()
        self._told()

    def turn(self, rows: Iterable[int]) -> None:
        """Tick all of these, or none when all of them are."""
        names = {self._keys[row].host for row in rows}
        self._ticked = self._ticked - names if names <= self._ticked else self._ticked | names
        self._told()

    def _told(self) -> None:
        self.dataChanged.emit(self.index(0, 0), self.index(len(self._keys) - 1, 0))
        self.ticked.emit()

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._keys)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else 5

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Approve"), tr("Name"), tr("Address"), tr("Type"), tr("Fingerprint"))[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        kept = super().flags(index)
        return kept | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else kept

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        key = self._keys[index.row()]
        on = key.host in self._ticked
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._cells(key)[index.column()]
            case Qt.ItemDataRole.CheckStateRole if index.column() == 0:
                return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.ToolTipRole:
                return key.fingerprint if index.column() == 4 else None
            case CellRole.KEY:
                return key.host
        return None

    def _cells(self, key: HostKeySeen) -> tuple[str, ...]:
        words = tr("approve") if key.host in self._ticked else tr("leave")
        return (words, key.host, self._addresses.get(key.host, ""), key.key_type, key.fingerprint)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if column < 0:
            return
        self.beginResetModel()
        reverse = order is Qt.SortOrder.DescendingOrder
        self._keys.sort(
            key=lambda key: (
                key.host in self._ticked,
                key.host,
                self._addresses.get(key.host, ""),
                key.key_type,
                key.fingerprint,
            )[column],
            reverse=reverse,
        )
        self.endResetModel()


class TickCell(Cell):
    """A box that is ticked or not; Space and a click turn it."""

    alignment = CENTRE

    def draw(self, painter: QPainter, rect: QRect, index: Index, theme: Theme) -> None:
        side = theme.glyph_size()
        box = QRectF(rect.center().x() - side / 2, rect.y() + (rect.height() - side) / 2, side, side)
        on = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("accent" if on else "idle"), 1.5))
        painter.setBrush(theme.colour("accent" if on else "surface"))
        painter.drawRoundedRect(box, S4, S4)
        if on:
            icons.paint(painter, "check", theme.colour("on_accent"), box)

    def width(self, index: Index, theme: Theme) -> int:
        return theme.glyph_size()
