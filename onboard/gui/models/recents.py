"""Table of recently opened profiles."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.text import date_and_time, plural, tr, when
from onboard.gui.widgets.cell_role import CellRole
from onboard.wizard.recent import Recent


class RecentsModel(QAbstractTableModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._recents: tuple[Recent, ...] = ()

    def show(self, recents: Sequence[Recent]) -> None:
        self.beginResetModel()
        self._recents = tuple(recents)
        self.endResetModel()

    def recent(self, row: int) -> Recent:
        return self._recents[row]

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._recents)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Recent"), tr("Servers"), tr("Opened"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        recent = self._recents[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return (recent.name, _about(recent), when(recent.opened))[index.column()]
            case Qt.ItemDataRole.ToolTipRole:
                return date_and_time(recent.opened) if index.column() == 2 else recent.path
            case CellRole.KEY:
                return recent.path
            case CellRole.STRONG:
                return index.column() == 0
            case CellRole.TONE:
                return "" if index.column() == 0 else "muted"
        return None


def _about(recent: Recent) -> str:
    parts = [plural("{n} server", "{n} servers", recent.servers)]
    parts += [recent.region] if recent.region else []
    if recent.online is None:
        parts.append(tr("not installed yet"))
    elif recent.online == recent.servers:
        parts.append(tr("all online"))
    else:
        parts.append(plural("{n} online", "{n} online", recent.online))
    return " · ".join(parts)
