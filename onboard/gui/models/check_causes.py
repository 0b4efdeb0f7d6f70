"""Table of equal causes: what is wrong, on how many servers, why it matters, and which fix is offered here."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.text import plural, say, tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark, mark_of_verdict
from onboard.model.causes import CauseKey
from onboard.wizard.cause_index import CauseIndex
from onboard.wizard.check_titles import title_of
from onboard.wizard.step_words import fix_words

if TYPE_CHECKING:
    from onboard.steps.base import Fix
from onboard.wizard.finding_words import sentence

CAUSE, SERVERS, WHY, ACTION = range(4)


class CheckCauses(QAbstractTableModel):
    """`fix_of` returns the step that can fix a cause, "" for none."""

    def __init__(self, fix_of: Callable[[CauseKey], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fix_of = fix_of
        self._index = CauseIndex()
        self._keys: list[CauseKey] = []
        self._fixes: Collection[str] = ()

    def show(self, index: CauseIndex, fixes: Collection[str], *, stable: bool) -> None:
        """`stable` keeps rows in place while results stream in; otherwise the worst causes come first."""
        self._index, self._fixes = index, fixes
        keys = index.in_order_seen() if stable else index.worst_first()
        known = len(self._keys)
        if keys[:known] != self._keys:
            self.beginResetModel()
            self._keys = keys
            self.endResetModel()
            return
        if known:
            self.dataChanged.emit(self.index(0, 0), self.index(known - 1, ACTION))
        if len(keys) > known:
            self.beginInsertRows(NOWHERE, known, len(keys) - 1)
            self._keys = keys
            self.endInsertRows()

    def key(self, row: int) -> CauseKey:
        return self._keys[row]

    def row_of(self, key: CauseKey) -> int:
        """The row of a cause; -1 if it is not listed."""
        return self._keys.index(key) if key in self._keys else -1

    def fix(self, row: int) -> "tuple[str, Fix] | None":
        """The step that can fix the cause, and its words; None if there is none."""
        name = self._fix_of(self._keys[row])
        words = fix_words(name)
        return (name, words) if words is not None else None

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._keys)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else 4

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Causes, most servers first"), tr("Servers"), tr("Why it matters"), "")[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = index.row(), index.column()
        key = self._keys[row]
        if role == CellRole.KEY:
            return key
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._text(row, column)
        if column == CAUSE:
            return self._cause_data(row, role)
        if role == CellRole.TONE:
            return "accent" if column == ACTION else "muted" if column == WHY else None
        return None

    def _text(self, row: int, column: int) -> str:
        key = self._keys[row]
        if column == CAUSE:
            return sentence(say(self._index.cause(key).words.sentence))
        if column == SERVERS:
            return plural("{n} server", "{n} servers", len(self._index.hosts(key)))
        if column == WHY:
            return say(title_of(key.check).why)
        fix = self.fix(row)
        if fix is None:
            return tr("How to fix") if key.advice else ""
        name, words = fix
        return say(words.allowed) if name in self._fixes else say(words.allow).replace("&", "")

    def _cause_data(self, row: int, role: int) -> object:
        fix = self.fix(row)
        repaired = fix is not None and fix[0] in self._fixes
        mark = Mark.INFO if repaired else mark_of_verdict(self._keys[row].status)
        match role:
            case CellRole.MARK:
                return mark
            case CellRole.TONE:
                return "text"
            case CellRole.STRONG:
                return True
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{self._text(row, CAUSE)}, {self._text(row, SERVERS)}"
        return None
