"""The outline of a plan as a tree. Nodes for server names are created only when a branch is opened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.text import plural, say, tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.mark import Mark, mark_of_verdict
from onboard.model.changes import ChangeName
from onboard.model.finding import Cause
from onboard.model.plan import Change, Group
from onboard.wizard.finding_words import sentence
from onboard.wizard.plan_outline import Outline

WHAT, HOW_MANY, VALUES = range(3)
LONGEST_VALUE = 60  # characters of a value shown in the table; the details show all of it
BRIEF = 10  # characters of the present value shown there


class Kind(StrEnum):
    PART = "part"
    GROUP = "group"
    CHANGE = "change"
    CAUSE = "cause"
    NAMES = "names"
    NAME = "name"


@dataclass(slots=True, eq=False)
class Node:
    """`names`: the servers affected, which are the children of a node of kind NAMES or CAUSE.

    `tip`: all values, if `values` does not have them in full.
    """

    kind: Kind
    text: str
    parent: "Node | None" = None
    row: int = 0
    mark: Mark | None = None
    values: str = ""
    tip: str = ""
    change: Change | None = None
    cause: Cause | None = None
    names: Sequence[str] = ()
    count: str = ""
    children: "list[Node]" = field(default_factory=list)

    def add(self, child: "Node") -> "Node":
        child.parent, child.row = self, len(self.children)
        self.children.append(child)
        return child

    @property
    def size(self) -> int:
        return len(self.names) if self.kind in (Kind.NAMES, Kind.CAUSE) else len(self.children)

    def child(self, row: int) -> "Node":
        if self.kind in (Kind.NAMES, Kind.CAUSE) and not self.children:
            for name in self.names:
                self.add(Node(Kind.NAME, name))
        return self.children[row]


class PlanTree(QAbstractItemModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = Node(Kind.PART, "")

    def show(self, outline: Outline) -> None:
        self.beginResetModel()
        self._root = _tree(outline)
        self.endResetModel()

    def node(self, index: Index) -> Node:
        node: Node = index.internalPointer() if index.isValid() else self._root
        return node

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, self.node(parent).child(row))

    def parent(self, index: Index = NOWHERE) -> QModelIndex:  # type: ignore[override]
        above = self.node(index).parent if index.isValid() else None
        return self.createIndex(above.row, 0, above) if above is not None and above is not self._root else QModelIndex()

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() and parent.column() > 0 else self.node(parent).size

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 3

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("What will be done"), tr("How many"), tr("New value"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        node, column = self.node(index), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (node.text, node.count, node.values)[column]
        if column == WHAT:
            match role:
                case CellRole.MARK:
                    return node.mark
                case CellRole.TONE:
                    return "text"
                case CellRole.STRONG:
                    return node.kind is Kind.PART
                case Qt.ItemDataRole.ToolTipRole:
                    return node.text
        elif role == CellRole.TONE:
            return "muted"
        elif role == Qt.ItemDataRole.ToolTipRole:
            return node.tip or node.values
        return None


def _tree(outline: Outline) -> Node:
    root = Node(Kind.PART, "")
    if outline.aws:
        part = root.add(Node(Kind.PART, tr("In AWS"), count=_changes(len(outline.aws))))
        for change in outline.aws:
            part.add(_change(change))
    if outline.groups:
        part = root.add(Node(Kind.PART, tr("On servers"), count=_servers(outline.servers)))
        for group in outline.groups:
            part.add(_group(group))
    if outline.left_out:
        count = _servers(len(outline.left_out_names))
        part = root.add(Node(Kind.PART, tr("Left out"), count=count, mark=Mark.WARN))
        for cause in outline.left_out:
            part.add(
                Node(
                    Kind.CAUSE,
                    sentence(say(cause.words.sentence)),
                    mark=mark_of_verdict(cause.status),
                    cause=cause,
                    names=cause.hosts,
                    count=_servers(len(cause.hosts)),
                    values=cause.remedy,
                )
            )
    if outline.settled:
        root.add(
            Node(
                Kind.NAMES,
                tr("Nothing to do: already set up"),
                mark=Mark.DONE,
                names=outline.settled,
                count=_servers(len(outline.settled)),
            )
        )
    return root


def _group(group: Group) -> Node:
    summaries = [say(change.sentence) for change in group.changes]
    words = ", ".join(summary[:1].lower() + summary[1:] for summary in summaries)
    node = Node(Kind.GROUP, sentence(words), names=group.names, count=_servers(len(group.names)))
    altered = [change for change in group.changes if change.altered]
    shown = altered or [change for change in group.changes if change.name == ChangeName.INSTALL_AGENT]
    node.values = ", ".join(text for change in shown for text in (_altered(change) if altered else _new(change)))
    node.tip = "\n".join(_tip(change) for change in shown)
    for change in group.changes:
        node.add(_change(change))
    node.add(Node(Kind.NAMES, tr("Servers"), names=group.names, count=_servers(len(group.names))))
    return node


def _change(change: Change) -> Node:
    # Changed values come first: a reader must not miss them.
    values = ", ".join((*_altered(change), *_new(change)))
    return Node(Kind.CHANGE, say(change.sentence), change=change, values=values, tip=_tip(change))


def _altered(change: Change) -> list[str]:
    """Shorten the present value, so that a narrow column is not cut off before the arrow."""
    return [f"{name}: {_brief(old)} → {new if _is_short(new) else '…'}" for name, old, new in change.altered]


def _new(change: Change) -> list[str]:
    values = {name: value for name, value in change.detail.items() if name not in change.before}
    return [f"{name}: {value}" for name, value in values.items() if _is_short(value)]


def _tip(change: Change) -> str:
    return "\n".join((*(f"{name}: {old} → {new}" for name, old, new in change.altered), *_new(change)))


def _brief(value: str) -> str:
    if "\n" in value.strip():
        return "…"
    line = re.sub(r"^https?://", "", value.strip())
    return line if len(line) <= BRIEF else f"{line[: BRIEF - 1]}…"


def _is_short(value: str) -> bool:
    return len(value) <= LONGEST_VALUE and "\n" not in value


def _servers(count: int) -> str:
    return plural("{n} server", "{n} servers", count)


def _changes(count: int) -> str:
    return plural("{n} change", "{n} changes", count)
