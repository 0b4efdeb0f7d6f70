"""Import a list of servers: shows what was read and guessed before anything is imported."""

from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QWidget

from onboard.gui.index import NOWHERE, Index
from onboard.gui.servers.sheet import Problems, Sheet
from onboard.gui.text import plural, tr
from onboard.gui.theme import Theme
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.verbatim import Verbatim
from onboard.lists.merge import merged
from onboard.lists.reader import Column, Parsed, Preview
from onboard.model.errors import Problem, ProfileError
from onboard.model.profile import Profile
from onboard.wizard import draft


class ImportSheet(Sheet):
    """Once accepted, `profile` contains the servers of the list."""

    def __init__(self, parent: QWidget | None, profile: Profile, path: Path, parsed: Parsed) -> None:
        lead = _guessed(parsed.preview) if parsed.preview is not None else ""
        super().__init__(parent, tr("Import {file}", file=path.name), lead, primary=tr("&Import"))
        self.profile = profile
        self._before = profile
        self._parsed = parsed
        if parsed.preview is not None:
            self._show_preview(parsed.preview)
        wrong = parsed.problems
        if wrong:
            title = plural("{n} mistake; its line is left out:", "{n} mistakes; their lines are left out:", len(wrong))
            self.body.addWidget(Label(title, tone="warn", wrap=True))
            self.body.addWidget(Verbatim(title, "\n".join(map(str, wrong))))
        there = len(profile.hosts)
        self.add = QRadioButton(plural("&Add to the existing server", "&Add to the {n} existing servers", there))
        self.replace = QRadioButton(plural("&Replace the existing server", "&Replace the {n} existing servers", there))
        self.add.setChecked(True)
        choice = QButtonGroup(self)
        for button in (self.add, self.replace):
            choice.addButton(button)
            self.body.addWidget(button)
            button.setVisible(there > 0)
        choice.buttonToggled.connect(self._look)
        self._said = Label(tone="muted", wrap=True)
        self._conflicts = Problems()
        self.body.addWidget(self._said)
        self.body.addWidget(self._conflicts)
        self._look()

    def _show_preview(self, preview: Preview) -> None:
        if preview.rows:
            table = DataTable(tr("The first servers of the list"), sortable=False)
            table.setModel(PreviewModel(preview, table))
            height = Theme.current().row_height()
            table.setFixedHeight((len(preview.rows) + 1) * height + height // 2)
            self.body.addWidget(table)
        unused = [_unused(number, column) for number, column in preview.unused]
        if unused:
            words = tr("Columns not used: {columns}.", columns=", ".join(unused))
            self.body.addWidget(Label(words, tone="muted", wrap=True))

    def _look(self) -> None:
        replace = self.replace.isChecked()
        problems: tuple[Problem, ...] = ()
        try:
            hosts = merged(self._before.hosts, self._parsed.hosts, replace=replace)
            self.profile = draft.with_hosts(self._before, hosts)
        except ProfileError as error:
            problems = error.problems
        new = 0 if problems else len(self.profile.hosts) - (0 if replace else len(self._before.hosts))
        same = 0 if problems else len(self._parsed.hosts) - new
        self._conflicts.show_problems(problems)
        self._said.setText(plural("{n} server is already in the list.", "{n} servers are already in the list.", same))
        self._said.setVisible(same > 0)
        self.primary.setText(plural("&Import {n} server", "&Import {n} servers", new) if new else tr("&Import"))
        self.primary.setEnabled(new > 0)


class PreviewModel(QAbstractTableModel):
    """The first rows of the used columns, each headed by the field that it is read as."""

    def __init__(self, preview: Preview, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = [column for column in preview.columns if column.field]
        self._rows = preview.rows

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _taken_for(self._columns[section])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole and index.column() < len(row):
            return row[index.column()]
        return None


def _taken_for(column: Column) -> str:
    names = {
        "name": tr("Name"),
        "address": tr("Address"),
        "port": tr("Port"),
        "protocol": tr("Protocol"),
        "credential": tr("Credential"),
        "tags": tr("Tags"),
    }
    field = names.get(column.field) or tr("Tag {key}", key=column.field.removeprefix("tag:"))
    if not column.header or column.header.casefold() == column.field:
        return field
    return tr("{field}, from {header}", field=field, header=column.header)


def _unused(number: int, column: Column) -> str:
    if column.header:
        return tr("{header} ({why})", header=column.header, why=column.why)
    return tr("column {n} ({why})", n=number, why=column.why)


def _guessed(preview: Preview) -> str:
    """Return how the table was read, in one line."""
    delimiters = {",": tr("commas"), ";": tr("semicolons"), "\t": tr("tabs"), "|": tr("bars")}
    parts = [tr("Read as {encoding}", encoding=preview.encoding.upper())]
    if preview.delimiter:
        parts.append(tr("columns separated by {delimiter}", delimiter=delimiters[preview.delimiter]))
    parts.append(tr("the first line is the heading") if preview.has_header else tr("no heading line"))
    return tr("{parts}.", parts=", ".join(parts))
