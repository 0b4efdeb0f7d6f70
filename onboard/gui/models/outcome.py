"""Table of how every server of a run ended and, once the run is being undone, how far the undo is."""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum

from PySide6.QtCore import QObject

from onboard.gui.host_words import reason_of, status_word, undo_words
from onboard.gui.models.host_table import ALL, Column, HostTable
from onboard.gui.text import tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark, mark_of_host
from onboard.model.outcome import end_need, has_warnings
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus

SERVER, STATUS, NODE, REASON = range(4)


class Ended(StrEnum):
    ALL = ALL
    ONLINE = "online"
    NOT_ONLINE = "not-online"
    SKIPPED = "skipped"


def stands(host: HostState) -> HostStatus | None:
    """How the server ended; None if it did not because the run was interrupted."""
    return host.outcome("apply")


def ended(host: HostState) -> Ended:
    status = stands(host)
    if status is HostStatus.SKIPPED:
        return Ended.SKIPPED
    return Ended.ONLINE if status is HostStatus.ONLINE else Ended.NOT_ONLINE


def mark_of_end(host: HostState) -> Mark:
    return Mark.WARN if has_warnings(host, "apply") else mark_of_host(stands(host))


def status_words(host: HostState) -> str:
    status = stands(host)
    return tr("Not finished") if status is None else status_word(status)


class OutcomeModel(HostTable):
    """Servers that need a person come first. Groups are `Ended`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._undo = State(), State()
        self._columns = (
            Column(tr("Server"), str),
            Column(tr("Status"), self._status, roles={CellRole.MARK: self._mark}),
            Column(tr("Node"), self._node, roles={CellRole.TONE: lambda _: "muted"}),
            Column(tr("Why"), self._reason),
        )

    def show(self, state: State, undo: State) -> None:
        """Start again with a run and its undo. The outcome of the run itself stays while it is being undone."""
        self._state, self._undo = state, undo
        self.counts = Counter(ended(host) for host in state.hosts.values())
        self.counts[ALL] = len(state.hosts)
        self.arrange()

    def host(self, name: str) -> HostState | None:
        return self._state.hosts.get(name)

    # Which rows, in what order

    def _names(self) -> Iterable[str]:
        return self._state.hosts

    def _need(self) -> Callable[[str], int]:
        return lambda name: end_need(self._state.hosts[name], "apply")

    def _fits(self) -> Callable[[str], bool]:
        return self._matches

    def _matches(self, name: str) -> bool:
        if self._group not in (ALL, ended(self._state.hosts[name])):
            return False
        return not self._text or any(self._text in column.text(name).lower() for column in self._columns)

    # Contents of the columns

    def _status(self, name: str) -> str:
        undone = self._undo.hosts.get(name)
        return undo_words(undone)[0] if undone is not None else status_words(self._state.hosts[name])

    def _mark(self, name: str) -> Mark:
        undone = self._undo.hosts.get(name)
        return undo_words(undone)[1] if undone is not None else mark_of_end(self._state.hosts[name])

    def _node(self, name: str) -> str:
        undone = self._undo.hosts.get(name)
        is_deregistered = undone is not None and undone.is_restored
        return "" if is_deregistered else self._state.hosts[name].instance_id or ""

    def _reason(self, name: str) -> str:
        undone = self._undo.hosts.get(name)
        if undone is not None:
            return reason_of(undone) if undone.status is not HostStatus.READY else ""
        host = self._state.hosts[name]
        return reason_of(host) if stands(host) is not HostStatus.ONLINE or has_warnings(host, "apply") else ""
