"""Table of servers × checks: a view of the State that adds only counts, groups and an order, no observations."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import StrEnum

from PySide6.QtCore import QObject, Qt

from onboard.gui.host_words import status_word, verdict_word
from onboard.gui.models.host_table import ALL, Column, HostTable
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
from onboard.wizard.check_titles import CONNECTION_TITLES, check_titles, title_of
from onboard.wizard.finding_words import finding_of, status_of

SERVER, SYSTEM, FIRST_CHECK = 0, 1, 2
CONNECTION = "reachable"  # needs its own column: a server that was not reached has no other finding
CHECKS = (CONNECTION, *check_titles())
_VERDICT_NEED = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.WARN: 2, Verdict.PASS: 3}


_SHORTER = (("Red Hat Enterprise Linux", "RHEL"), ("SUSE Linux Enterprise Server", "SLES"), (" GNU/Linux", ""))


def short_system(name: str) -> str:
    """Shorten the name so that the version stays visible: `Debian GNU/Linux 12 (bookworm)` becomes Debian 12."""
    for long, short in _SHORTER:
        name = name.replace(long, short)
    return name.partition(" (")[0]


class Group(StrEnum):
    """Groups of servers, as the chips above the table count them."""

    ALL = ALL
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


def _status_word(status: HostStatus | None) -> str:
    return tr("Not checked") if status in (None, HostStatus.SKIPPED) else status_word(status)


class CheckMatrix(HostTable):
    """A row for each server of the draft. Results that stream in repaint rows and never move them.

    causes    what is wrong, grouped

    Groups are `Group`.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.causes = CauseIndex()
        self._state = State()
        self._fixes: Sequence[str] = ()
        self._hosts: dict[str, Host] = {}  # in the order of the draft
        self._status: dict[str, HostStatus | None] = {}
        self._awaited: set[str] = set()  # queried in this run, no answer yet
        self._asked = 0
        self._running = False
        self._cause: CauseKey | None = None
        self._columns = (
            Column(tr("Server"), str, roles=self._server_roles()),
            Column(
                tr("System"),
                self._system,
                roles={
                    Qt.ItemDataRole.DisplayRole: lambda name: short_system(self._system(name)),
                    CellRole.TONE: lambda _: "muted",
                },
            ),
            *map(self._check_column, CHECKS),
        )

    # What is shown

    def show(self, hosts: Sequence[Host], state: State, fixes: Sequence[str]) -> None:
        """Start again with these servers of the draft."""
        self._state, self._fixes = state, fixes
        self._hosts = {host.name: host for host in hosts} if state.hosts else {}
        self.causes = CauseIndex()
        known = (state.hosts.get(name) for name in self._hosts)
        self.causes.update(host for host in known if host is not None and host.status is not None)
        self._count_all()
        if self._cause is not None and not self.causes.hosts(self._cause):
            self._cause = None
        if not self._running:
            self.arrange()
            return
        if self._hosts.keys() != set(self._order):
            self._order = list(self._hosts)
        self._refill()

    def heard(self, names: Collection[str]) -> None:
        """Called when these servers answered or finished."""
        self._awaited.difference_update(names)

    def update(self, names: Iterable[str]) -> None:
        """Called when these servers changed."""
        changed = [name for name in names if name in self._hosts]
        hosts = self._state.hosts
        self.causes.update(hosts[name] for name in changed if name in hosts)
        for name in changed:
            self._count(name)
        self.repaint_rows(changed)
        hidden = [name for name in changed if name not in self._rows]
        if hidden:
            fits = self._fits()
            self._append([name for name in hidden if fits is None or fits(name)])

    def set_fixes(self, fixes: Sequence[str]) -> None:
        """Set the fixes that the draft allows. Counts follow at once; rows stay where they are."""
        if fixes != self._fixes:
            self._fixes = fixes
            self._count_all()
            self._repaint()

    def begin(self, asked: Collection[str]) -> None:
        """A run starts to query these servers."""
        self._awaited, self._asked, self._running = set(asked), len(asked), True
        self._repaint()

    def end(self) -> None:
        """The run is over: sort servers that need a person to the top."""
        self._awaited, self._running = set(), False
        self.arrange()

    def _repaint(self) -> None:
        self.repaint_rows(self._shown[:1] + self._shown[-1:])

    # Counting

    def _count_all(self) -> None:
        hosts, fixes = self._state.hosts, self._fixes
        self._status = {name: status_of(hosts.get(name), fixes) for name in self._hosts}
        groups = Counter(_GROUPS.get(status) for status in self._status.values() if status is not None)
        self.counts = Counter({group: count for group, count in groups.items() if group is not None})
        self.counts[Group.ALL] = len(self._hosts)

    def _count(self, name: str) -> None:
        old, new = self._status[name], status_of(self._state.hosts.get(name), self._fixes)
        if old is not new:
            self._status[name] = new
            for status, step in ((old, -1), (new, 1)):
                group = _GROUPS.get(status) if status is not None else None
                if group is not None:
                    self.counts[group] += step

    def trouble_by_check(self) -> Counter[str]:
        """Check → servers where it did not pass and no allowed fix will repair it."""
        found: Counter[str] = Counter()
        for key in self.causes.in_order_seen():
            found[key.check] += len(self.causes.hosts(key))
        return found

    # Which rows, in which order

    def filter_by(self, group: str, text: str, cause: CauseKey | None = None) -> None:
        """Show the servers of a group, with `text` in name, tags or causes, and with a cause; None for any cause."""
        if cause != self._cause:
            self._cause = cause
            self._group, self._text = group, text.strip().lower()
            self._refill()
        else:
            super().filter_by(group, text)

    def _names(self) -> Iterable[str]:
        return self._hosts

    def _need(self) -> Callable[[str], int]:
        return lambda name: need_of(self._status[name])

    def _fits(self) -> Callable[[str], bool] | None:
        if self._group == ALL and not self._text and self._cause is None:
            return None
        found = self.causes.matching(self._text) if self._text else ()
        matching = self.causes.hosts(self._cause) if self._cause is not None else None

        def fits(name: str) -> bool:
            if matching is not None and name not in matching:
                return False
            if self._text and self._text not in _searched(self._hosts[name]) and name not in found:
                return False
            status = self._status[name]
            return self._group == ALL or (status is not None and _GROUPS.get(status) == self._group)

        return fits

    # What pages ask

    @property
    def cause(self) -> CauseKey | None:
        """The cause that the rows are filtered by."""
        return self._cause

    @property
    def total(self) -> int:
        return len(self._hosts)

    @property
    def progress(self) -> tuple[int, int]:
        """How many of the servers queried in this run have answered or finished."""
        return self._asked - len(self._awaited), self._asked

    def texts(self, row: int) -> list[str]:
        """The texts of all columns, in one pass over the findings, because thousands of rows may be copied."""
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
        """The content of that column for that server."""
        host = self._state.hosts.get(name)
        if check != CONNECTION or host is None or not host.findings:
            return finding_of(host, check)
        lost = next((finding for finding in host.findings if finding.check in CONNECTION_TITLES), None)
        return lost or Finding(check=CONNECTION, status=Verdict.PASS, summary=tr("the server answered"))

    def status(self, name: str) -> HostStatus | None:
        return self._status.get(name)

    def words(self, name: str) -> str:
        """The status of the server, in words."""
        if name in self._awaited:
            return tr("Waiting for its answer")
        if self._status[name] is None and self._running:
            return tr("Answered; results follow when all servers have")
        return _status_word(self._status[name])

    def mark(self, name: str) -> Mark:
        if name in self._awaited:
            return Mark.WAITING
        status = self._status[name]
        if status is None:
            return Mark.HERE if self._running else Mark.TODO
        return mark_of_host(status)

    # What its columns say

    def _server_roles(self) -> dict[int, Callable[[str], object]]:
        return {
            CellRole.MARK: self.mark,
            CellRole.TONE: lambda _: "text",
            Qt.ItemDataRole.ToolTipRole: self._server_words,
            Qt.ItemDataRole.AccessibleTextRole: self._server_words,
        }

    def _server_words(self, name: str) -> str:
        return tr("{server}: {status}", server=name, status=self.words(name))

    def _system(self, name: str) -> str:
        finding = finding_of(self._state.hosts.get(name), "os_supported")
        return finding.evidence if finding is not None else ""

    def _check_column(self, check: str) -> Column:
        def verdict(name: str) -> str:
            finding = self.finding(name, check)
            return verdict_word(finding.status) if finding is not None else ""

        def mark(name: str) -> Mark | None:
            finding = self.finding(name, check)
            return mark_of_verdict(finding.status) if finding is not None else None

        def need(name: str) -> int:
            finding = self.finding(name, check)
            return _VERDICT_NEED[finding.status] if finding is not None else len(_VERDICT_NEED)

        def words(name: str) -> str | None:
            finding = self.finding(name, check)
            if finding is None:
                return None
            said, summary = verdict_word(finding.status), say(finding.words.sentence)
            return tr("{check} {verdict}: {summary}", check=say(title.short), verdict=said, summary=summary)

        title = title_of(check)
        return Column(
            say(title.short),
            verdict,
            about=say(title.why),
            sort_key=need,
            roles={
                CellRole.MARK: mark,
                Qt.ItemDataRole.ToolTipRole: words,
                Qt.ItemDataRole.AccessibleTextRole: words,
            },
        )


def _searched(host: Host) -> str:
    """The text that a search looks in, in addition to causes."""
    tags = " ".join(f"{key}={value}" for key, value in host.tags.items())
    return f"{host.name} {host.address} {tags}".lower()
