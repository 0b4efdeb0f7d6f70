"""Servers: the list of servers, how to log in to each, and whether its identity is verified."""

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QDialog, QFileDialog, QHBoxLayout, QWidget

from onboard.gui import icons
from onboard.gui.dialogs import show_error
from onboard.gui.models.host_table import ALL
from onboard.gui.models.servers import MARKS, Column, ServersModel
from onboard.gui.page import Page
from onboard.gui.parts import name_parts
from onboard.gui.servers.cells import CredentialCell, EditedCell
from onboard.gui.servers.credentials import CredentialsSheet
from onboard.gui.servers.edit import EditSheet
from onboard.gui.servers.edits import Edits
from onboard.gui.servers.import_list import ImportSheet
from onboard.gui.servers.key_reading import KeyReading
from onboard.gui.servers.lines import LinesSheet
from onboard.gui.servers.notices import CredentialsNotice, IdentityNotice, TypedNotice
from onboard.gui.servers.probe import ProbeSheet
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import CARD_GAP, S4, S8
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cells import StatusCell, TextCell
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.page_header import PageHeader
from onboard.hosts.lockout import Lockout
from onboard.lists import catalog
from onboard.model.errors import OnboardError, ProfileError
from onboard.wizard import draft
from onboard.wizard.command_line import command_line
from onboard.wizard.servers import Identity, missing_credentials, unseen


class ServersPage(Page):
    stage = "servers"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.edits = Edits(session, self)
        self.keys = KeyReading(session, self)
        self._unseen = 0
        self._actions: dict[str, QAction] = {}
        self._ended = False
        self.keys.ended.connect(self._arrange)
        self._error = ErrorPanel()
        self._credentials_notice = CredentialsNotice()
        self._credentials_notice.described.connect(self.edit_credentials)
        for widget in (self._header(), self._error, self._credentials_notice, self.keys.notice, self.keys.busy_line):
            self.column.addWidget(widget)
        self.model = ServersModel(session, self)
        self.model.changed.connect(lambda profile: self.edits.change(profile, tr("edit")))
        self.table = self._make_table()
        self.column.addLayout(self._filters())
        self.column.addWidget(self.table, 1)
        self._typed = TypedNotice(self.model)
        self._typed.mended.connect(self._mend)
        self._identity = IdentityNotice(self.model)
        self._identity.read_again.connect(self.read_selected)
        self.column.addWidget(self._typed)
        self.column.addWidget(self._identity)
        self.column.addSpacing(CARD_GAP)
        name_parts(error=self._error, servers=self.table, edit=self._edit_button, remove=self._remove_button)
        self._make_actions()
        self._pick()
        self._show()

    # Parts

    def _header(self) -> PageHeader:
        header = PageHeader(
            tr("Servers"), tr("Onboard sends no password or key to a server until you have confirmed its identity.")
        )
        self._test_button = Button(tr("&Test one…"))
        for button, act in (
            (Button(tr("&Add…")), self.add_lines),
            (Button(tr("&Import…")), self.choose_list),
            (Button(tr("C&redentials…")), self.edit_credentials),
            (self._test_button, self.test_one),
        ):
            button.clicked.connect(act)
            header.add_action(button)
        return header

    def _make_table(self) -> DataTable:
        table = DataTable(tr("Servers"))
        for column, cell in (
            (Column.NAME, EditedCell()),
            (Column.ADDRESS, EditedCell(fixed=True, gives=False)),
            (Column.PORT, EditedCell(fixed=True, gives=False)),
            (Column.CREDENTIAL, CredentialCell(self.session)),
            (Column.IDENTITY, StatusCell(gives=False)),
            (Column.FINGERPRINT, TextCell(fixed=True)),
            (Column.TAGS, EditedCell()),
        ):
            table.set_cell(column, cell)
        table.setModel(self.model)
        triggers = QAbstractItemView.EditTrigger
        table.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
        table.picked.connect(self._pick)
        self.model.modelReset.connect(self._pick)
        table.empty_action.connect(self._first_action)
        return table

    def _filters(self) -> QHBoxLayout:
        labels = (
            (Identity.TRUSTED, tr("Trusted")),
            (Identity.TO_APPROVE, tr("To approve")),
            (Identity.REFUSED, tr("Refused")),
            (Identity.NOT_REACHED, tr("Not reached")),
        )
        chips = [Chip(ALL, tr("All")), *(Chip(identity.value, label, MARKS[identity]) for identity, label in labels)]
        self.chips = Chips(tr("Servers by identity"), chips)
        self.chips.picked.connect(lambda key: self._filter(identity=key))
        self.filter = FilterBox(tr("Filter by name, address, tag"))
        self.filter.textChanged.connect(lambda text: self._filter(text=text))
        self._edit_button = Button(tr("&Edit…"), small=True)
        self._edit_button.clicked.connect(self.edit_selected)
        self._remove_button = Button(tr("Rem&ove"), small=True)
        self._remove_button.clicked.connect(self.remove_selected)
        row = QHBoxLayout()
        row.setSpacing(S8)
        row.addWidget(self.chips, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(S4)
        for button in (self._edit_button, self._remove_button):
            buttons.addWidget(button)
        row.addLayout(buttons)
        row.addWidget(self.filter)
        return row

    def _make_actions(self) -> None:
        """Add the actions of the keyboard and the table's context menu."""
        keys = QKeySequence.StandardKey
        for name, text, icon, shortcut, act in (
            ("edit", tr("&Edit…"), "edit", "Ctrl+E", self.edit_selected),
            ("test", tr("&Test…"), "play", "Ctrl+T", self.test_one),
            ("read", tr("&Read host keys again"), "key", keys.Refresh, self.read_selected),
            ("remove", tr("Rem&ove"), "delete", keys.Delete, self.remove_selected),
            ("paste", tr("&Paste servers…"), "plus", keys.Paste, self.paste),
        ):
            action = QAction(icons.icon(icon), text, self.table)
            action.setShortcut(shortcut)
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(act)
            self.table.addAction(action)
            self._actions[name] = action
        for action, shortcut in (
            (self.edits.stack.createUndoAction(self.table, tr("&Undo")), keys.Undo),
            (self.edits.stack.createRedoAction(self.table, tr("Red&o")), keys.Redo),
        ):
            action.setShortcut(shortcut)
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self.addAction(action)
            self.table.addAction(action)

    # What is

    def draft_changed(self) -> None:
        self.edits.draft_changed()
        self.model.draft_changed()
        self._pick()
        self._show()

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command == "trust":
            self.model.states_changed(hosts)
            was, self._ended = self._ended, self.session.view.state("trust").finished
            if self._ended and not was:
                self._arrange()
            self._pick()
            self._show()

    def running_changed(self) -> None:
        if self.keys.running_changed():
            self._show()

    def _arrange(self) -> None:
        """After keys were read, sort the servers that need attention to the top, unless a cell is being edited."""
        if self.table.state() is not QAbstractItemView.State.EditingState:
            self.model.arrange()
            self.table.fit_columns()

    def _show(self) -> None:
        """Update everything around the table."""
        view = self.session.view
        trust = view.state("trust")
        counts = self.model.counts()
        self._unseen = counts.get(Identity.UNSEEN.value, 0)
        self.chips.set_counts(counts)
        self._test_button.setEnabled(bool(view.draft.hosts))
        self._error.show_failure(trust.failure)
        self._credentials_notice.refresh(view.draft)
        self.keys.refresh(counts.get(Identity.TO_APPROVE.value, 0))
        self._show_empty()

    def _show_empty(self) -> None:
        if self.session.view.draft.hosts:
            self.table.set_empty(
                tr("No matching servers"),
                tr("No server has this identity and matches the filter."),
                tr("&Show all"),
                "filter",
            )
        else:
            self.table.set_empty(
                tr("No servers yet"),
                tr("Type or paste the servers to bring into Systems Manager, import a CSV file, or drop one here."),
                tr("Add &servers…"),
                "plus",
            )

    def _first_action(self) -> None:
        if self.session.view.draft.hosts:
            self.filter.clear()
            self.chips.pick(ALL)
        else:
            self.add_lines()

    def _filter(self, *, identity: str | None = None, text: str | None = None) -> None:
        self.model.filter(identity=identity, text=text)

    @Slot()
    def _pick(self) -> None:
        """Update the actions that the selection allows and the notice about it."""
        rows = self.table.selected_rows()
        for button in (self._edit_button, self._remove_button):
            button.setEnabled(bool(rows))
        for name in ("edit", "read", "remove"):
            self._actions[name].setEnabled(bool(rows))
        host = self.model.host(rows[0]) if len(rows) == 1 else None
        self._identity.refresh(host, self.session.view.state("trust"))

    def _mend(self) -> None:
        index = self.model.index_of_wrong()
        if index.isValid():
            self.table.setFocus()
            self.table.setCurrentIndex(index)
            self.table.edit(index)

    # What its buttons and keys do

    def selected(self) -> list[str]:
        return [self.model.host(row).name for row in self.table.selected_rows()]

    @Slot()
    def add_lines(self, text: str = "") -> None:
        sheet = LinesSheet(self, self.session.view.draft, text or "")
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.edits.change(sheet.profile, tr("add"))

    @Slot()
    def paste(self) -> None:
        text = QGuiApplication.clipboard().text()
        if text.strip():
            self.add_lines(text)

    @Slot()
    def choose_list(self) -> None:
        kinds = tr(
            "Lists of servers ({kinds});;All files (*)", kinds=" ".join(f"*{suffix}" for suffix in catalog.SUFFIXES)
        )
        name, _ = QFileDialog.getOpenFileName(self, tr("Import servers"), "", kinds)
        if name:
            self.take_file(Path(name))

    def take_file(self, path: Path) -> None:
        try:
            read = catalog.read(path)
        except ProfileError as error:
            show_error(self, tr("The list was not imported"), error)
            return
        sheet = ImportSheet(self, self.session.view.draft, path, read)
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.edits.change(sheet.profile, tr("import"))

    @Slot()
    def edit_selected(self) -> None:
        names = self.selected()
        if names:
            sheet = EditSheet(self, self.session.view.draft, names)
            if sheet.exec() == QDialog.DialogCode.Accepted:
                self.edits.change(sheet.profile, tr("edit"))

    @Slot()
    def remove_selected(self) -> None:
        """Remove without asking: Undo brings them back."""
        names = set(self.selected())
        if names:
            self.edits.change(draft.without_hosts(self.session.view.draft, names), tr("remove"))

    @Slot()
    def edit_credentials(self) -> None:
        missing = next(iter(missing_credentials(self.session.view.draft)), "")
        rows = self.table.selected_rows()
        chosen = missing or (self.model.host(rows[0]).credential if rows else "")
        try:
            lockout = Lockout.of_this_user(self.session.home)
        except OnboardError as error:
            show_error(self, tr("The credentials cannot be shown"), error)
            return
        sheet = CredentialsSheet(self, self.session.view.draft, lockout, chosen)
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.edits.change(sheet.profile, tr("edit credentials"))

    @Slot()
    def read_selected(self) -> None:
        self.keys.read(self.selected())

    @Slot()
    def test_one(self) -> None:
        """Return the selected server, otherwise the first."""
        rows = self.table.selected_rows() or ([0] if self.model.rowCount() else [])
        if rows:
            ProbeSheet(self, self.session, self.model.host(rows[0])).exec()

    # What the window asks

    def primary_label(self) -> str:
        return tr("Read host &keys") if self._unseen and not self.session.view.running else ""

    def primary(self) -> bool:
        if not self.primary_label():
            return False
        self.keys.read(unseen(self.session.view.draft, self.session.view.state("trust")))
        return True

    def cancel(self) -> bool:
        if self.keys.is_reading:
            self.keys.stop()
        return self.keys.is_reading

    def command_line(self) -> str:
        path = self.session.view.path
        return command_line("onboard", "trust", "--profile", str(path)) if path else ""
