"""Table of the servers of the draft and what is known about their identity. Cells are edited in place."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal

from onboard.gui.index import NOWHERE, Index
from onboard.gui.models.host_table import ALL
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark
from onboard.model.errors import Problem
from onboard.model.profile import Host, Profile, Protocol
from onboard.model.state import HostState
from onboard.wizard import draft
from onboard.wizard.servers import Identity, identity_of, key_of

MANY = 50  # up to this many changed rows are signalled one by one
_NEED = {identity: place for place, identity in enumerate(Identity)}
_DIGITS = re.compile(r"(\d+)")


class Column(IntEnum):
    NAME = 0
    ADDRESS = 1
    PORT = 2
    WAY = 3
    CREDENTIAL = 4
    IDENTITY = 5
    FINGERPRINT = 6
    TAGS = 7


COLUMNS = tuple(Column)
EDITED = {
    Column.NAME: "name",
    Column.ADDRESS: "address",
    Column.PORT: "port",
    Column.CREDENTIAL: "credential",
    Column.TAGS: "tags",
}
MARKS = {
    Identity.REFUSED: Mark.BAD,
    Identity.TO_APPROVE: Mark.WARN,
    Identity.NOT_REACHED: Mark.BAD,
    Identity.UNSEEN: Mark.WAITING,
    Identity.TRUSTED: Mark.DONE,
}


class ServersModel(QAbstractTableModel):
    """While no column sorts, servers that need a person come first, then profile order. Rows move only in `arrange`.

    changed   an edit in place produced this profile
    refused   the text typed into a cell is wrong, or no longer wrong; it stays in the cell until corrected
    """

    changed = Signal(object)
    refused = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._hosts: tuple[Host, ...] = ()
        self._rows: list[int] = []
        self._row_of: dict[str, int] = {}
        self._wrong: dict[tuple[str, Column], tuple[str, Problem]] = {}
        self._identity = ALL
        self._words: list[str] = []
        self._sorted: tuple[int, Qt.SortOrder] = (-1, Qt.SortOrder.AscendingOrder)

    # What is shown

    def draft_changed(self) -> None:
        """Show the servers of the draft: update rows in place if their number is unchanged, otherwise reset."""
        hosts = self._session.view.draft.hosts
        if hosts is self._hosts:
            self._tell_columns(Column.CREDENTIAL)
            return
        changed = [index for index, (old, new) in enumerate(zip(self._hosts, hosts, strict=False)) if old is not new]
        if len(hosts) != len(self._hosts) or len(changed) > MANY:
            self.arrange()
            return
        rows = {index: row for row, index in enumerate(self._rows)}
        self._hosts = hosts
        self._row_of = {hosts[index].name: row for row, index in enumerate(self._rows)}
        for index in changed:
            if index in rows:
                self._tell(rows[index])

    def states_changed(self, names: Collection[str]) -> None:
        """Called when something was learned about these servers; repaints nothing if there are none."""
        rows = sorted(row for name in names if (row := self._row_of.get(name)) is not None)
        if len(rows) > MANY:
            self._tell(rows[0], rows[-1])
            return
        for row in rows:
            self._tell(row)

    def arrange(self) -> None:
        """Filter and sort again."""
        self.beginResetModel()
        self._hosts = self._session.view.draft.hosts
        states = self._states()
        identities = [identity_of(states.get(host.name)) for host in self._hosts]
        shown = list(range(len(self._hosts)))
        if self._identity != ALL:
            shown = [index for index in shown if identities[index].value == self._identity]
        if self._words:
            shown = [index for index in shown if self._matches(self._hosts[index])]
        column, order = self._sorted
        if column >= 0:
            shown.sort(key=lambda index: self._sort_key(index, Column(column)))
            if order is Qt.SortOrder.DescendingOrder:
                shown.reverse()
        else:
            shown.sort(key=lambda index: _NEED[identities[index]])
        self._rows = shown
        self._row_of = {self._hosts[index].name: row for row, index in enumerate(shown)}
        names = {host.name for host in self._hosts}
        self._wrong = {cell: wrong for cell, wrong in self._wrong.items() if cell[0] in names}
        self.endResetModel()
        self.refused.emit()

    def filter(self, *, identity: str | None = None, text: str | None = None) -> None:
        """Show servers of an identity (ALL for any) whose name, address, credential or tags contain `text`."""
        if identity is not None:
            self._identity = identity
        if text is not None:
            self._words = text.casefold().split()
        self.arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted = (column, order)
        self.arrange()

    def counts(self) -> dict[str, int]:
        """Number of servers by identity, and in total (ALL)."""
        states = self._states()
        counted = Counter(identity_of(states.get(host.name)).value for host in self._hosts)
        return {ALL: len(self._hosts), **counted}

    def host(self, row: int) -> Host:
        return self._hosts[self._rows[row]]

    def key(self, row: int) -> str:
        return self.host(row).name

    def row_of(self, key: object) -> int:
        """The row of a server; -1 if it is not shown."""
        return self._row_of.get(str(key), -1)

    def texts(self, row: int) -> list[str]:
        """The texts of the row's cells."""
        host = self.host(row)
        return [self._text(host, column) for column in COLUMNS]

    def identity(self, host: Host) -> Identity:
        return identity_of(self._states().get(host.name))

    def _states(self) -> Mapping[str, HostState]:
        """Server → its State after its key was read."""
        return self._session.view.state("trust").hosts

    # Wrong input

    @property
    def first_wrong(self) -> tuple[str, Problem] | None:
        """A server with a wrong value in a cell, and what is wrong."""
        for (name, _), (_, problem) in self._wrong.items():
            return name, problem
        return None

    def index_of_wrong(self) -> QModelIndex:
        for name, column in self._wrong:
            if name in self._row_of:
                return self.index(self._row_of[name], column)
        return QModelIndex()

    def forget_wrong(self) -> None:
        """Discard wrong input: every cell shows the draft again."""
        self._wrong.clear()
        if self._rows:
            self._tell(0, len(self._rows) - 1)
        self.refused.emit()

    # QAbstractTableModel

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return header(Column(section))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        kept = super().flags(index)
        return kept | Qt.ItemFlag.ItemIsEditable if index.column() in EDITED else kept

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        host, column = self.host(index.row()), Column(index.column())
        wrong = self._wrong.get((host.name, column)) if self._wrong else None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return wrong[0] if wrong else self._text(host, column)
            case Qt.ItemDataRole.EditRole:
                return wrong[0] if wrong else _typed(host, column)
            case Qt.ItemDataRole.ToolTipRole:
                return f"{wrong[1].problem}. {wrong[1].remedy}" if wrong else self._tip(host, column)
            case CellRole.KEY:
                return host.name
            case CellRole.MARK:
                return Mark.BAD if wrong else self._mark(host, column)
            case CellRole.TONE:
                return "bad" if wrong else self._tone(host, column)
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Apply an edit in place. A wrong value stays in its cell and does not reach the draft."""
        host, column = self.host(index.row()), Column(index.column())
        text = str(value).strip()
        was_wrong = self._wrong.pop((host.name, column), None)
        if text == _typed(host, column):
            result: Profile | Problem = self._session.view.draft
        else:
            result = _edited(self._session.view.draft, host, column, text)
        if isinstance(result, Problem):
            self._wrong[host.name, column] = (text, result)
        self._tell(index.row())
        if isinstance(result, Profile) and result is not self._session.view.draft:
            self.changed.emit(result)
        if was_wrong or isinstance(result, Problem):
            self.refused.emit()
        return True

    def _text(self, host: Host, column: Column) -> str:
        match column:
            case Column.WAY:
                return way(host)
            case Column.IDENTITY:
                return self.identity_words(host)
            case Column.FINGERPRINT:
                key = key_of(self._states().get(host.name))
                return key.fingerprint if key else ""
            case _:
                return _typed(host, column)

    def identity_words(self, host: Host) -> str:
        identity = self.identity(host)
        if identity is Identity.REFUSED:
            key = key_of(self._states().get(host.name))
            if key is not None and key.trust == "revoked":
                return tr("key revoked: refused")
        return words(identity)

    def _mark(self, host: Host, column: Column) -> Mark | None:
        if column is Column.IDENTITY:
            return MARKS[self.identity(host)]
        if column is Column.CREDENTIAL and host.credential not in self._session.view.draft.credentials:
            return Mark.WARN
        return None

    def _tone(self, host: Host, column: Column) -> str:
        if column in (Column.FINGERPRINT, Column.TAGS, Column.PORT, Column.WAY):
            return "muted"
        return ""

    def _tip(self, host: Host, column: Column) -> str:
        if column is Column.CREDENTIAL and host.credential not in self._session.view.draft.credentials:
            return tr("No login is set up for this credential yet")
        state = self._states().get(host.name)
        if column is Column.IDENTITY and state is not None and state.reason:
            return f"{state.reason}. {state.remedy}"
        return self._text(host, column) if column in (Column.NAME, Column.FINGERPRINT, Column.TAGS) else ""

    def _matches(self, host: Host) -> bool:
        tags = draft.tags_text(host.tags) if host.tags else ""
        text = f"{host.name} {host.address} {host.credential} {tags}".casefold()
        return all(word in text for word in self._words)

    def _sort_key(self, index: int, column: Column) -> list[object]:
        """Split into alternating texts and numbers, so that srv-2 sorts before srv-10."""
        host = self._hosts[index]
        if column is Column.IDENTITY:
            return [_NEED[self.identity(host)]]
        parts = _DIGITS.split(self._text(host, column).casefold())
        return [int(part) if place % 2 else part for place, part in enumerate(parts)]

    def _tell(self, first: int, last: int | None = None) -> None:
        end = first if last is None else last
        self.dataChanged.emit(self.index(first, 0), self.index(end, len(Column) - 1))

    def _tell_columns(self, column: Column) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, column), self.index(len(self._rows) - 1, column))


def header(column: Column) -> str:
    return {
        Column.NAME: tr("Name"),
        Column.ADDRESS: tr("Address"),
        Column.PORT: tr("Port"),
        Column.WAY: tr("Way"),
        Column.CREDENTIAL: tr("Credential"),
        Column.IDENTITY: tr("Identity"),
        Column.FINGERPRINT: tr("Fingerprint"),
        Column.TAGS: tr("Tags"),
    }[column]


def words(identity: Identity) -> str:
    return {
        Identity.REFUSED: tr("key changed: refused"),
        Identity.TO_APPROVE: tr("to approve"),
        Identity.NOT_REACHED: tr("not reached"),
        Identity.UNSEEN: tr("not read yet"),
        Identity.TRUSTED: tr("known"),
    }[identity]


def way(host: Host) -> str:
    """How the server is reached, in a word."""
    kind = {Protocol.SSH: "SSH", Protocol.WINRM: "WinRM HTTPS", Protocol.WINRM_HTTP: "WinRM HTTP"}[host.protocol]
    return tr("{kind} via {jump}", kind=kind, jump=host.jump) if host.jump else kind


def _typed(host: Host, column: Column) -> str:
    """The value of a cell as it would be typed."""
    match column:
        case Column.NAME:
            return host.name
        case Column.ADDRESS:
            return host.place.address
        case Column.PORT:
            return str(host.place.port)
        case Column.CREDENTIAL:
            return host.credential
        case Column.TAGS:
            return draft.tags_text(host.tags)
    return ""


def _edited(profile: Profile, host: Host, column: Column, text: str) -> Profile | Problem:
    """The profile with the text typed into a server's cell, or the Problem with it."""
    values: dict[str, object] = {EDITED[column]: text}
    match column:
        case Column.NAME if not host.address:
            values["address"] = (
                host.name
            )  # keep the old name as the address: renaming does not change which machine it is
        case Column.ADDRESS if text == host.name:
            values = {"address": ""}
        case Column.PORT:
            values = {"port": int(text) if text.isascii() and text.isdecimal() else text}
        case Column.TAGS:
            tags = draft.tags_from_text(text)
            if isinstance(tags, Problem):
                return tags
            values = {"tags": tags or None}
    return draft.host_changed(profile, host.name, values)
