"""The dialog that chooses the servers that measure."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from onboard.gui.index import NOWHERE, Index
from onboard.gui.models.regions import MOST_ORIGINS
from onboard.gui.servers.keys import TickCell
from onboard.gui.servers.sheet import Sheet
from onboard.gui.text import plural, tr
from onboard.gui.theme import Theme
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.tips import set_tip
from onboard.model.profile import Host
from onboard.wizard.draft import tags_text

MOST = MOST_ORIGINS - 1  # servers, besides this computer


class ServerChoice(Sheet):
    """Once accepted, `chosen` holds the ticked servers."""

    def __init__(self, parent: QWidget | None, hosts: Sequence[Host], ticked: Collection[str]) -> None:
        super().__init__(
            parent,
            tr("Measure from servers"),
            tr(
                "Each ticked server measures every Region, as this computer does. The servers' figures decide, "
                "because their agents connect to AWS. One server per site is enough; {n} is the maximum.",
                n=MOST,
            ),
            primary=tr("&Measure"),
        )
        self.model = ServerTicks(hosts, ticked, self)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self.model)
        self._shown.setFilterKeyColumn(-1)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.table = DataTable(tr("Servers that measure"), sortable=False)
        self.table.set_cell(0, TickCell())
        self.table.setModel(self._shown)
        self.table.set_empty(
            tr("No server can measure"), tr("Onboard connects to servers over SSH once their keys are approved.")
        )
        self.table.setMinimumHeight(Theme.current().row_height() * 9)
        self.table.clicked.connect(self._clicked)
        tick = QShortcut(QKeySequence(Qt.Key.Key_Space), self.table, context=Qt.ShortcutContext.WidgetShortcut)
        tick.activated.connect(self._turn_selected)
        box = FilterBox(tr("Name or tag"))
        box.textChanged.connect(self._shown.setFilterFixedString)
        self.body.addWidget(box)
        self.body.addWidget(self.table, 1)
        self.model.ticked.connect(self._count)
        self._count()
        self.table.selectRow(0)
        self.table.setFocus()

    @property
    def chosen(self) -> tuple[str, ...]:
        return self.model.chosen()

    def _count(self) -> None:
        count = len(self.chosen)
        self.primary.setText(plural("&Measure from {n} server", "&Measure from {n} servers", count))
        self.primary.setEnabled(0 < count <= MOST)
        many = tr("Tick at most {n} servers", n=MOST)
        set_tip(self.primary, many if count > MOST else "" if count else tr("Tick at least one server"))

    def _clicked(self, index: Index) -> None:
        if index.column() == 0:
            self.model.turn(str(index.data(CellRole.KEY)))

    def _turn_selected(self) -> None:
        for name in self.table.selected_keys():
            self.model.turn(str(name))


class ServerTicks(QAbstractTableModel):
    """Servers, each with a check box."""

    ticked = Signal()

    def __init__(self, hosts: Sequence[Host], ticked: Collection[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hosts = tuple(hosts)
        self._rows = {host.name: row for row, host in enumerate(self._hosts)}
        self._ticked = {name for name in ticked if name in self._rows}

    def chosen(self) -> tuple[str, ...]:
        """Return the ticked servers in the order of the profile."""
        return tuple(host.name for host in self._hosts if host.name in self._ticked)

    def turn(self, name: str) -> None:
        self._ticked ^= {name}
        index = self.index(self._rows[name], 0)
        self.dataChanged.emit(index, index)
        self.ticked.emit()

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._hosts)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Measure"), tr("Name"), tr("Tags"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        host = self._hosts[index.row()]
        on = host.name in self._ticked
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return (tr("yes") if on else tr("no"), host.name, tags_text(host.tags))[index.column()]
            case Qt.ItemDataRole.CheckStateRole if index.column() == 0:
                return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
            case CellRole.KEY:
                return host.name
            case CellRole.TONE:
                return "muted" if index.column() == 2 else ""
        return None
