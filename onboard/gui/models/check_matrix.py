"""Servers × checks as a table. A view of the State: of its own it keeps counts, groups and an order, no observation."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from onboard.gui.text import say, tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark, mark_of_host, mark_of_verdict
from onboard.model.causes import CauseKey
from onboard.model.finding import Finding, Verdict
from onboard.model.outcome import need_of
from onboard.model.profile import Host
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.wizard.cause_index import CauseIndex
from onboard.wizard.check_titles import CHECK_TITLES, CONNECTION_TITLES, title_of
from onboard.wizard.finding_words import finding_of, status_of

Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()

SERVER, SYSTEM, FIRST_CHECK = 0, 1, 2
CONNECTION = "reachable"  # a column of its own: a server that was not reached has no other finding
CHECKS = (CONNECTION, *CHECK_TITLES)
_VERDICT_NEED = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.WARN: 2, Verdict.PASS: 3}


_SHORTER = (("Red Hat Enterprise Linux", "RHEL"), ("SUSE Linux Enterprise Server", "SLES"), (" GNU/Linux", ""))


def short_system(name: str) -> str:
    """As short as people say it, so that the version is in sight: `Debian GNU/Linux 12 (bookworm)` is Debian 12."""
    for long, short in _SHORTER:
        name = name.replace(long, short)
    return name.partition(" (")[0]


class Group(StrEnum):
    """Servers as the chips above the table count them."""

    ALL = "all"
    READY = "ready"
    WARNED = "warned"
    BLOCKED = "blocked"
    UNREACHABLE = "unreachable"


_GROUPS = {
    HostStatus.READY: Group.READY,
    HostStatus.ONLINE: Group.READY,
    HostStatus.WARNED: Group.WARNED,
    HostStatus.BLOCKED: Group.BLOCKED,
    HostStatus.FAILED: Group.BLOCKED,
    HostStatus.UNREACHABLE: Group.UNREACHABLE,
    HostStatus.UNTRUSTED: Group.UNREACHABLE,
}


def status_word(status: HostStatus | None) -> str:
    words = {
        HostStatus.ONLINE: tr("Online"),
        HostStatus.READY: tr("Ready"),
        HostStatus.WARNED: tr("Warned"),
        HostStatus.BLOCKED: tr("Blocked"),
        HostStatus.FAILED: tr("Failed"),
        HostStatus.UNREACHABLE: tr("Unreachable"),
        HostStatus.UNTRUSTED: tr("Identity not approved"),
        HostStatus.SKIPPED: tr("Not checked"),
    }
    return words[status] if status is not None else tr("Not checked")


def verdict_word(verdict: Verdict) -> str:
    words = {
        Verdict.PASS: tr("passed"),
        Verdict.WARN: tr("warned"),
        Verdict.FAIL: tr("failed"),
        Verdict.UNKNOWN: tr("not known"),
    }
    return words[verdict]


class CheckMatrix(QAbstractTableModel):
    """A row for each server of the draft. What streams in repaints rows and never moves them.

    counts    `Group` → number of servers
    causes    what is not well, grouped
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.counts: Counter[str] = Counter()
        self.causes = CauseIndex()
        self._state = State()
        self._fixes: Sequence[str] = ()
        self._words: dict[str, str] = {}  # server → what is searched, beside causes; in the order of the draft
        self._status: dict[str, HostStatus | None] = {}
        self._order: list[str] = []
        self._shown: list[str] = []
        self._rows: dict[str, int] = {}
        self._awaited: set[str] = set()  # asked in this run, and silent so far
        self._asked = 0
        self._running = False
        self._sort = (-1, Qt.SortOrder.AscendingOrder)
        self._group = Group.ALL
        self._text = ""
        self._cause: CauseKey | None = None

    # What is shown

    def show(self, hosts: Sequence[Host], state: State, fixes: Sequence[str]) -> None:
        """Begin anew, with these servers of the draft."""
        self._state, self._fixes = state, fixes
        self._words = {host.name: _searched(host) for host in hosts} if state.hosts else {}
        self.causes = CauseIndex()
        known = (state.hosts.get(name) for name in self._words)
        self.causes.update(host for host in known if host is not None and host.status is not None)
        self._count_all()
        if self._cause is not None and not self.causes.hosts(self._cause):
            self._cause = None
        if not self._running:
            self.arrange()
            return
        if self._words.keys() != set(self._order):
            self._order = list(self._words)
        self._refill()

    def heard(self, names: Collection[str]) -> None:
        """These servers answered, or ended."""
        self._awaited.difference_update(names)

    def update(self, names: Iterable[str]) -> None:
        """These servers changed."""
        changed = [name for name in names if name in self._words]
        hosts = self._state.hosts
        self.causes.update(hosts[name] for name in changed if name in hosts)
        found = matching = None
        rows, new = [], []
        for name in changed:
            self._count(name)
            row = self._rows.get(name)
            if row is not None:
                rows.append(row)
                continue
            if matching is None:
                found, matching = self._found(), self._cause_hosts()
            if self._matches(name, found, matching):
                new.append(name)
        if rows:
            last = self.columnCount() - 1
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), last))
        if new:
            first = len(self._shown)
            self.beginInsertRows(NO_INDEX, first, first + len(new) - 1)
            self._rows.update({name: first + number for number, name in enumerate(new)})
            self._shown += new
            self.endInsertRows()

    def set_fixes(self, fixes: Sequence[str]) -> None:
        """The fixes that the draft allows: servers count by them at once, and stay where they are."""
        if fixes != self._fixes:
            self._fixes = fixes
            self._count_all()
            self._repaint()

    def begin(self, asked: Collection[str]) -> None:
        """A run asks these servers."""
        self._awaited, self._asked, self._running = set(asked), len(asked), True
        self._repaint()

    def end(self) -> None:
        """It is over: what needs a person comes first now."""
        self._awaited, self._running = set(), False
        self.arrange()

    def _repaint(self) -> None:
        if self._shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, self.columnCount() - 1))

    # Counting

    def _count_all(self) -> None:
        hosts, fixes = self._state.hosts, self._fixes
        self._status = {name: status_of(hosts.get(name), fixes) for name in self._words}
        groups = Counter(_GROUPS.get(status) for status in self._status.values() if status is not None)
        self.counts = Counter({group: count for group, count in groups.items() if group is not None})
        self.counts[Group.ALL] = len(self._words)

    def _count(self, name: str) -> None:
        old, new = self._status[name], status_of(self._state.hosts.get(name), self._fixes)
        if old is not new:
            self._status[name] = new
            for status, step in ((old, -1), (new, 1)):
                group = _GROUPS.get(status) if status is not None else None
                if group is not None:
                    self.counts[group] += step

    def trouble_by_check(self) -> Counter[str]:
        """check → servers where it did not pass, and a fix will not repair it."""
        found: Counter[str] = Counter()
        for key in self.causes.in_order_seen():
            found[key.check] += len(self.causes.hosts(key))
        return found

    # Which rows, in which order

    def filter_by(self, group: Group, text: str, cause: CauseKey | None) -> None:
        """Show those of a group, with a text in name, tags or causes, and with a cause; None for any."""
        wanted = (group, text.strip().lower(), cause)
        if wanted != (self._group, self._text, self._cause):
            self._group, self._text, self._cause = wanted
            self._refill()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; by -1, what needs a person first."""
        self._sort = (column, order)
        self.arrange()

    def arrange(self) -> None:
        """Put the rows in order."""
        column, order = self._sort
        self._order = list(self._words)
        if column == SERVER:
            self._order.sort(key=str.casefold)
        elif column == SYSTEM:
            self._order.sort(key=lambda name: self._system(name).casefold())
        elif column >= FIRST_CHECK:
            check = CHECKS[column - FIRST_CHECK]
            self._order.sort(key=lambda name: self._check_need(name, check))
        else:
            self._order.sort(key=lambda name: need_of(self._status[name]))
        if order is Qt.SortOrder.DescendingOrder:
            self._order.reverse()
        self._refill()

    def _check_need(self, name: str, check: str) -> int:
        finding = self.finding(name, check)
        return _VERDICT_NEED[finding.status] if finding is not None else len(_VERDICT_NEED)

    def _refill(self) -> None:
        found, matching = self._found(), self._cause_hosts()
        self.beginResetModel()
        if self._group is Group.ALL and found is None and matching is None:
            self._shown = list(self._order)
        else:
            self._shown = [name for name in self._order if self._matches(name, found, matching)]
        self._rows = {name: row for row, name in enumerate(self._shown)}
        self.endResetModel()

    def _found(self) -> Collection[str] | None:
        """Servers whose causes hold the text; None when none is looked for."""
        return self.causes.matching(self._text) if self._text else None

    def _cause_hosts(self) -> Collection[str] | None:
        return self.causes.hosts(self._cause) if self._cause is not None else None

    def _matches(self, name: str, found: Collection[str] | None, matching: Collection[str] | None) -> bool:
        if matching is not None and name not in matching:
            return False
        if found is not None and self._text not in self._words[name] and name not in found:
            return False
        if self._group is Group.ALL:
            return True
        status = self._status[name]
        return status is not None and _GROUPS.get(status) is self._group

    # What pages ask

    @property
    def cause(self) -> CauseKey | None:
        """The cause that rows are filtered by."""
        return self._cause

    @property
    def total(self) -> int:
        return len(self._words)

    @property
    def progress(self) -> tuple[int, int]:
        """How many of the servers that this run asks have answered, or ended."""
        return self._asked - len(self._awaited), self._asked

    def key(self, row: int) -> str:
        """The row's server."""
        return self._shown[row]

    def row_of(self, key: object) -> int:
        """-1 when it is not shown."""
        return self._rows.get(str(key), -1)

    def texts(self, row: int) -> list[str]:
        """What the row's cells show."""
        name = self._shown[row]
        host = self._state.hosts.get(name)
        found = {one.check: one.status for one in host.findings} if host is not None else {}
        connection = self.finding(name, CONNECTION)
        if connection is not None:
            found[CONNECTION] = connection.status
        verdicts = {verdict: verdict_word(verdict) for verdict in set(found.values())}
        return [name, self._system(name), *(verdicts[found[check]] if check in found else "" for check in CHECKS)]

    def host(self, name: str) -> HostState | None:
        return self._state.hosts.get(name)

    def finding(self, name: str, check: str) -> Finding | None:
        """What stands in that column for that server."""
        host = self._state.hosts.get(name)
        if check != CONNECTION or host is None or not host.findings:
            return finding_of(host, check)
        lost = next((finding for finding in host.findings if finding.check in CONNECTION_TITLES), None)
        return lost or Finding(check=CONNECTION, status=Verdict.PASS, summary=tr("the server answered"))

    def status(self, name: str) -> HostStatus | None:
        return self._status.get(name)

    def words(self, name: str) -> str:
        """How the server stands."""
        if name in self._awaited:
            return tr("Waiting for its answer")
        if self._status[name] is None and self._running:
            return tr("Answered; judged when all have")
        return status_word(self._status[name])

    # Qt's side

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802
        return 0 if parent.isValid() else FIRST_CHECK + len(CHECKS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal or role not in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            return None
        if section < FIRST_CHECK:
            return (tr("Server"), tr("System"))[section] if role == Qt.ItemDataRole.DisplayRole else None
        title = title_of(CHECKS[section - FIRST_CHECK])
        return say(title.short if role == Qt.ItemDataRole.DisplayRole else title.why)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        name, column = self._shown[index.row()], index.column()
        if role == CellRole.KEY:
            return name
        if column == SERVER:
            return self._server_data(name, role)
        if column == SYSTEM:
            return self._system_data(name, role)
        return self._check_data(name, CHECKS[column - FIRST_CHECK], role)

    def _server_data(self, name: str, role: int) -> object:
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return name
            case CellRole.MARK:
                return self.mark(name)
            case CellRole.TONE:
                return "text"
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return tr("{server}: {status}", server=name, status=self.words(name))
        return None

    def mark(self, name: str) -> Mark:
        if name in self._awaited:
            return Mark.WAITING
        status = self._status[name]
        if status is None:
            return Mark.HERE if self._running else Mark.TODO
        return mark_of_host(status)

    def _system_data(self, name: str, role: int) -> object:
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return short_system(self._system(name))
            case Qt.ItemDataRole.ToolTipRole:
                return self._system(name)
            case CellRole.TONE:
                return "muted"
        return None

    def _system(self, name: str) -> str:
        finding = finding_of(self._state.hosts.get(name), "os_supported")
        return finding.evidence if finding is not None else ""

    def _check_data(self, name: str, check: str, role: int) -> object:
        if role not in (
            CellRole.MARK,
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.AccessibleTextRole,
        ):
            return None
        finding = self.finding(name, check)
        if finding is None:
            return None
        if role == CellRole.MARK:
            return mark_of_verdict(finding.status)
        if role == Qt.ItemDataRole.DisplayRole:
            return verdict_word(finding.status)
        short, verdict = say(title_of(check).short), verdict_word(finding.status)
        return tr("{check} {verdict}: {summary}", check=short, verdict=verdict, summary=finding.summary)


def _searched(host: Host) -> str:
    tags = " ".join(f"{key}={value}" for key, value in host.tags.items())
    return f"{host.name} {host.address} {tags}".lower()
