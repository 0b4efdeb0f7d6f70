"""Table of earlier runs."""

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.text import date_and_time, plural, tr
from onboard.gui.widgets.busy_indicator import duration_text
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark
from onboard.model.events import KeptRun
from onboard.model.state import State
from onboard.model.status import HostStatus

BEGUN, COMMAND, PROFILE, WHO, TOOK, ENDED = range(6)


class RunsModel(QAbstractTableModel):
    """Rows are in the given order, the newest first, until sorted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs: list[KeptRun] = []

    def show(self, runs: Sequence[KeptRun]) -> None:
        self.beginResetModel()
        self._runs = list(runs)
        self.endResetModel()

    def run(self, key: object) -> KeptRun | None:
        return next((run for run in self._runs if run.run == key), None)

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._runs)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else ENDED + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Begun"), tr("Command"), tr("Profile"), tr("By"), tr("Took"), tr("Ended"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        run, column = self._runs[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(run, column)
            case Qt.ItemDataRole.ToolTipRole:
                return {WHO: run.arn, PROFILE: run.path}.get(column) or self._text(run, column)
            case CellRole.KEY:
                return run.run
            case CellRole.MARK if column == ENDED:
                return mark_of_run(run)
            case CellRole.TONE if column in (TOOK, WHO, PROFILE):
                return "muted"
        return None

    def _text(self, run: KeptRun, column: int) -> str:
        match column:
            case 0:
                return date_and_time(run.started)
            case 1:
                return command_words(run.command)
            case 2:
                return run.profile or run.path
            case 3:
                return run.who
            case 4:
                return duration_text(_seconds(run)) if run.finished else ""
        return end_words(run)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; -1: the newest first."""
        self.beginResetModel()
        if column in (-1, BEGUN):
            self._runs.sort(key=lambda run: run.started, reverse=column == -1)
        elif column == TOOK:
            self._runs.sort(key=_seconds)
        else:
            self._runs.sort(key=lambda run: self._text(run, column).casefold())
        if order is Qt.SortOrder.DescendingOrder:
            self._runs.reverse()
        self.endResetModel()


def command_words(command: str) -> str:
    """The name of an engine command in the window."""
    words = {
        "apply": tr("Install"),
        "undo": tr("Undo"),
        "check": tr("Checks"),
        "plan": tr("Plan"),
        "trust": tr("Host keys"),
        "regions": tr("Regions"),
    }
    return words.get(command, command)


def begun_words(state: State) -> str:
    """When a run was started, and by whom if known."""
    if not state.run:
        return ""
    begun = date_and_time(state.started)
    if state.who:
        return tr("Started {when} by {who}.", when=begun, who=state.who)
    return tr("Started {when}.", when=begun)


def undo_begun_words(undo: State) -> str:
    """Like `begun_words`, for the undo of a run."""
    if not undo.run:
        return ""
    begun = date_and_time(undo.started)
    if undo.who:
        return tr("Undo started {when} by {who}.", when=begun, who=undo.who)
    return tr("Undo started {when}.", when=begun)


def end_words(run: KeptRun) -> str:
    """How many servers ended how; for a run that did not end, how far it got."""
    if not run.finished:
        online = tr("{online} of {total} online", online=f"{run.proven:,}", total=f"{run.servers:,}")
        if run.command != "apply":
            return tr("Still running") if run.held else tr("Interrupted")
        return tr("Still running: {far}", far=online) if run.held else tr("Interrupted: {far}", far=online)
    parts = [_counted(run, status, run.hosts[status]) for status in HostStatus if run.hosts.get(status)]
    undone = run.hosts.get(HostStatus.ONLINE, 0) - run.proven if run.command == "apply" else 0
    if undone > 0:
        parts.append(plural("{n} undone since", "{n} undone since", undone))
    return ", ".join(parts) or tr("Ended")


def _counted(run: KeptRun, status: HostStatus, n: int) -> str:
    match status:
        case HostStatus.ONLINE:
            return plural("{n} online", "{n} online", n)
        case HostStatus.READY if run.command == "undo":
            return plural("{n} restored", "{n} restored", n)
        case HostStatus.READY:
            return plural("{n} ready", "{n} ready", n)
        case HostStatus.WARNED:
            return plural("{n} with warnings", "{n} with warnings", n)
        case HostStatus.BLOCKED:
            return plural("{n} blocked", "{n} blocked", n)
        case HostStatus.UNREACHABLE:
            return plural("{n} unreachable", "{n} unreachable", n)
        case HostStatus.UNTRUSTED:
            return plural("{n} not trusted", "{n} not trusted", n)
        case HostStatus.FAILED:
            return plural("{n} failed", "{n} failed", n)
        case HostStatus.SKIPPED:
            return plural("{n} skipped", "{n} skipped", n)


def mark_of_run(run: KeptRun) -> Mark:
    if run.held and not run.finished:
        return Mark.HERE
    if run.is_broken_off or run.hosts.get(HostStatus.SKIPPED):
        return Mark.WARN
    return Mark.DONE if _WELL.issuperset(run.hosts) else Mark.WARN


_WELL = frozenset(status.value for status in HostStatus if status.is_well)


def _seconds(run: KeptRun) -> float:
    """The duration of a run; 0 for one that did not end."""
    if not run.finished:
        return 0.0
    return (datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started)).total_seconds()
