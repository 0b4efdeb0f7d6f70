"""How to log in, by group. The profile keeps names and paths; secrets go only to the computer's keyring."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from onboard.gui.background import in_background
from onboard.gui.dialogs import show_error
from onboard.gui.index import NOWHERE, Index
from onboard.gui.servers.sheet import Sheet, credential_names, show_problem
from onboard.gui.text import plural, tr
from onboard.gui.theme import S8, S12, S24, Theme
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.cells import StatusCell
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.hosts.credentials import remember
from onboard.hosts.lockout import Lockout
from onboard.model.errors import OnboardError, Problem
from onboard.model.profile import Credential, CredentialKind, Profile
from onboard.model.secret import Secret
from onboard.wizard import draft

KINDS = (CredentialKind.SSH_KEY, CredentialKind.SSH_AGENT, CredentialKind.SSH_PASSWORD)
SUDO = ("auto", "password", "never")
NEW = "linux-admin"
PASSPHRASE = "_PASSPHRASE"  # noqa: S105 - suffix that names the secret of a credential's key file


class CredentialsSheet(Sheet):
    """Once accepted, `profile` contains the credentials. The dialog can open at a name that servers use."""

    def __init__(self, parent: QWidget | None, profile: Profile, lockout: Lockout, chosen: str = "") -> None:
        super().__init__(
            parent,
            tr("Credentials"),
            tr(
                "How Onboard logs in, described once for each group of servers. Secrets are never stored in the "
                "profile."
            ),
            primary=tr("&Save"),
            letters=104,
        )
        self.profile = profile
        self._lockout = lockout
        self._stopped = lockout.stopped()
        self._name = ""  # as it is in self.profile; "" while nothing is chosen
        self.model = CredentialsModel(self)
        self.list = DataTable(tr("Credentials"), sortable=False)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.set_cell(0, StatusCell())
        self.list.setModel(self.model)
        # leave room for the form when the text is large and the screen small
        self.list.setFixedWidth(min(Theme.current().scaled(280), self.screen().availableGeometry().width() // 4))
        self.form = _Form()
        self.stopped = Banner(Mark.WARN, "")
        again = Button(tr("Allow &it again"))
        again.clicked.connect(self._allow)
        self.stopped.add_button(again)
        add = Button(tr("A&dd"), icon="plus", small=True)
        add.clicked.connect(self._add)
        self.delete = Button(tr("De&lete"), icon="delete", small=True)
        self.delete.clicked.connect(self._delete)
        self._choosing = QWidget()
        under = QHBoxLayout()
        under.setSpacing(S8)
        under.addWidget(add)
        under.addWidget(self.delete)
        under.addStretch()
        left = QVBoxLayout(self._choosing)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(S8)
        left.addWidget(self.list, 1)
        left.addLayout(under)
        row = QHBoxLayout()
        row.setSpacing(S24)
        row.addWidget(self._choosing)
        right = QVBoxLayout()
        right.setSpacing(S12)
        right.addWidget(self.stopped)
        right.addWidget(self.form)
        right.addStretch()
        row.addLayout(right, 1)
        self.body.addLayout(row, 1)
        names = self._names()
        self._choose(chosen if chosen in names else names[0] if names else NEW)
        self.list.picked.connect(self._picked)
        self.form.waits.connect(self._wait)

    def _names(self) -> list[str]:
        used = credential_names(self.profile) if self.profile.hosts or self.profile.credentials else []
        return list(dict.fromkeys([*used, *([self._name] if self._name else [])]))

    def _choose(self, name: str) -> None:
        self._name = name
        with QSignalBlocker(self.list):
            self.model.show_names(self._names(), self.profile)
            self.list.select_key(name)
        self.form.show_credential(name, self.profile.credentials.get(name))
        self.form.setEnabled(bool(name))
        self._show_stopped()
        in_use = any(host.credential == name for host in self.profile.hosts)
        self.delete.setEnabled(name in self.profile.credentials or (bool(name) and not in_use))

    def _account(self) -> str:
        credential = self.profile.credentials.get(self._name)
        return credential.username if credential else ""

    def _show_stopped(self) -> None:
        """Show that Onboard stopped using an account that servers refused, until the user allows it again."""
        account = self._account()
        refused_by = self._stopped.get(account.casefold(), ())
        self.stopped.setVisible(bool(refused_by))
        if refused_by:
            self.stopped.show_notice(
                Mark.WARN,
                tr("Onboard stopped using {account} so that it is not locked out", account=account),
                tr(
                    "Its password was refused by {servers}. Correct the password, unlock the account where it is "
                    "locked, then allow it again.",
                    servers=", ".join(refused_by),
                ),
            )
            self.grow()

    @Slot()
    def _allow(self) -> None:
        # Done here and not by the engine, where it would wait for the command that runs.
        account = self._account()
        self.stopped.setEnabled(False)
        in_background(self, lambda: self._lockout.forgive(account), self._allowed)

    def _allowed(self, error: OnboardError | None) -> None:
        self.stopped.setEnabled(True)
        if error is not None:
            show_error(self, tr("The account was not allowed again"), error)
            return
        self._stopped = self._lockout.stopped()
        self._show_stopped()

    @Slot(bool)
    def _wait(self, waits: bool) -> None:
        """Show no other credential while the keyring is asked to keep a secret of this one."""
        self._choosing.setDisabled(waits)

    @Slot()
    def _picked(self) -> None:
        """Change the selection after applying the input for the previous one. Invalid input keeps the selection."""
        keys = self.list.selected_keys()
        if not keys or keys == [self._name]:
            return
        if self.take():
            self._choose(str(keys[0]))
        else:
            with QSignalBlocker(self.list):
                self.list.select_key(self._name)

    def take(self) -> bool:
        """Apply the input. Return False, and show why, when it is invalid."""
        if not self._name or not self.form.touched:
            return True
        old = self._name if self._name in self.profile.credentials else ""
        name, values = self.form.values()
        changed = draft.with_credential(self.profile, name, values, old=old)
        if isinstance(changed, Profile) and values["kind"] == CredentialKind.SSH_KEY and not values["key_file"]:
            changed = Problem(
                "key_file", "this credential logs in with a key, and no key file is chosen", "Choose the private key"
            )
        if isinstance(changed, Problem):
            show_problem(self.form.rows, changed)
            return False
        if not old and name != self._name:  # servers use this name already; it was set up under a new one
            names = {host.name for host in changed.hosts if host.credential == self._name}
            renamed = draft.hosts_changed(changed, names, {"credential": name})
            changed = renamed if isinstance(renamed, Profile) else changed
        self.profile, self._name = changed, name
        self.form.touched = False
        return True

    @Slot()
    def _add(self) -> None:
        if self.take():
            taken = self._names()
            name = next(name for name in (NEW, *(f"{NEW}-{n}" for n in range(2, 1000))) if name not in taken)
            self._choose(name)
            self.form.touched = True
            self.form.name.setFocus()
            self.form.name.selectAll()

    @Slot()
    def _delete(self) -> None:
        self.profile = draft.without_credential(self.profile, self._name)
        self._name = ""
        names = self._names()
        self._choose(names[0] if names else "")

    def accept(self) -> None:
        if self.take():
            super().accept()


class CredentialsModel(QAbstractTableModel):
    """Credentials, each with the number of servers that use it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[tuple[str, int, bool], ...] = ()

    def show_names(self, names: Sequence[str], profile: Profile) -> None:
        servers = Counter(host.credential for host in profile.hosts)
        self.beginResetModel()
        self._rows = tuple((name, servers[name], name in profile.credentials) for name in names)
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else 2

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Credential"), tr("Used by"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        name, servers, described = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return (name, plural("{n} server", "{n} servers", servers))[index.column()]
            case Qt.ItemDataRole.ToolTipRole:
                return name if described else tr("{name}: no login is set up yet", name=name)
            case CellRole.KEY:
                return name
            case CellRole.MARK if index.column() == 0:
                return None if described else Mark.WARN
            case CellRole.TONE if index.column() == 1:
                return "muted"
        return None


class _Form(QWidget):
    """One credential. `touched`: something has been typed since it was shown."""

    waits = Signal(bool)
    """Emitted when a keyring is asked to keep a secret, and when it has answered."""

    def __init__(self) -> None:
        super().__init__()
        self.touched = False
        self.rows = KeyValueForm()
        self.name, self.username = QLineEdit(), QLineEdit()
        self.kind = QComboBox()
        for kind, text in zip(
            KINDS, (tr("SSH key file"), tr("SSH agent of this computer"), tr("Password")), strict=True
        ):
            self.kind.addItem(text, kind.value)
        self.key_file = PathField()
        self.sudo = QComboBox()
        texts = (tr("Automatic: root, otherwise sudo"), tr("With sudo and its password"), tr("None: log in as root"))
        for way, text in zip(SUDO, texts, strict=True):
            self.sudo.addItem(text, way)
        self.command = QLineEdit()
        self.command.setPlaceholderText("pass show servers/linux")
        self.passphrase = SecretField(tr("Passphrase"), tr("Keep in ke&yring"))
        self.secret = SecretField(tr("Password"), tr("Keep in keyrin&g"))
        self.rows.add_row("name", tr("&Name"), self.name)
        self.rows.add_row("kind", tr("&Kind"), self.kind)
        self.rows.add_row("username", tr("&User"), self.username)
        of_agent = tr("With an SSH agent: which of its keys to try.")
        self.rows.add_row("key_file", tr("Key &file"), self.key_file, of_agent)
        self.rows.add_row("sudo", tr("&Root rights"), self.sudo)
        self.rows.add_row(
            "passphrase", tr("&Passphrase of the key"), self.passphrase, tr("Only if the key file has one.")
        )
        self.rows.add_row(
            "secret", tr("Pass&word"), self.secret, tr("To log in with a password, or for sudo if it asks for one.")
        )
        self.rows.add_row(
            "secret_command",
            tr("&Or from a command"),
            self.command,
            tr("A command that prints the password. If empty, Onboard asks you."),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S12)
        column.addWidget(self.rows)
        column.addStretch()
        for field in (self.name, self.username, self.command, self.key_file.line):
            field.textEdited.connect(self._touch)
        self.key_file.chosen.connect(self._touch)
        for box in (self.kind, self.sudo):
            box.activated.connect(self._touch)
        self.kind.currentIndexChanged.connect(self._fit)
        self.passphrase.kept.connect(self._keep_passphrase)
        self.secret.kept.connect(self._keep_secret)

    def show_credential(self, name: str, credential: Credential | None) -> None:
        self.rows.clear_errors()
        self.name.setText(name)
        kind = credential.kind if credential else CredentialKind.SSH_KEY
        self.kind.setCurrentIndex(max(self.kind.findData(kind.value), 0))
        self.username.setText(credential.username if credential else "")
        self.key_file.line.setText(credential.key_file or "" if credential else "")
        self.sudo.setCurrentIndex(self.sudo.findData(credential.sudo if credential else "auto"))
        command = credential.secret_command if credential else None
        self.command.setText(shlex.join(command) if isinstance(command, tuple) else command or "")
        self.passphrase.forget()
        self.secret.forget()
        self.touched = False
        self._fit()

    def values(self) -> tuple[str, dict[str, object]]:
        """Return the name and the values for `with_credential`."""
        key = self.key_file.line.text().strip() if self.kind.currentData() != CredentialKind.SSH_PASSWORD else ""
        return self.name.text().strip(), {
            "kind": self.kind.currentData(),
            "username": self.username.text().strip(),
            "key_file": key,
            "sudo": self.sudo.currentData(),
            "secret_command": self.command.text().strip(),
        }

    def _touch(self) -> None:
        self.touched = True
        self.rows.clear_errors()

    def _fit(self) -> None:
        """Hide the rows that this kind does not use."""
        kind = self.kind.currentData()
        self.rows.set_row_visible("key_file", kind != CredentialKind.SSH_PASSWORD)
        self.rows.set_row_visible("passphrase", kind == CredentialKind.SSH_KEY)

    def _keep_passphrase(self, secret: Secret) -> None:
        self._keep("passphrase", self.passphrase, f"{self.name.text().strip()}{PASSPHRASE}", secret)

    def _keep_secret(self, secret: Secret) -> None:
        self._keep("secret", self.secret, self.name.text().strip(), secret)

    def _keep(self, row: str, field: "SecretField", name: str, secret: Secret) -> None:
        # In a thread, as a keyring may wait to be unlocked. Not in the engine, whose commands would wait with it.
        def answered(error: OnboardError | None) -> None:
            self.setEnabled(True)
            self.waits.emit(False)
            if error is not None:
                self.rows.set_error(row, f"{error.what}. {error.why}", error.remedy)
                field.say("")
            else:
                self.rows.set_error(row, "")
                field.say_kept()

        self.setEnabled(False)
        self.waits.emit(True)
        field.say(tr("Waiting for the keyring…"))
        in_background(self, lambda: remember(name, secret), answered)


class PathField(QWidget):
    """A path, typed or chosen."""

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setPlaceholderText("~/.ssh/id_ed25519")
        self.line.setAccessibleName(tr("Key file"))
        self.setFocusProxy(self.line)
        choose = Button(tr("C&hoose…"), icon="open")
        choose.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S8)
        row.addWidget(self.line, 1)
        row.addWidget(choose)

    @Slot()
    def _choose(self) -> None:
        folder = Path("~/.ssh").expanduser()
        name, _ = QFileDialog.getOpenFileName(self, tr("Choose a private key"), str(folder), tr("All files (*)"))
        if name:
            self.line.setText(name)
            self.chosen.emit()


class SecretField(QWidget):
    """A secret to be stored in the keyring. The field is cleared once it is stored, and never shows it."""

    kept = Signal(object)  # Secret

    def __init__(self, name: str, button: str) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setEchoMode(QLineEdit.EchoMode.Password)
        self.line.setAccessibleName(name)
        self.setFocusProxy(self.line)
        self.keep = Button(button, icon="key")
        self.keep.setAccessibleName(tr("Keep {secret} in this computer's keyring", secret=name))
        self.keep.clicked.connect(self._keep)
        self.said = Label(tone="ok")
        self.said.hide()
        self.line.textChanged.connect(self._changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S8)
        row.addWidget(self.line, 1)
        row.addWidget(self.said)
        row.addWidget(self.keep)
        self._changed("")

    def _changed(self, text: str) -> None:
        self.keep.setEnabled(bool(text))
        if text:
            self.said.hide()

    @Slot()
    def _keep(self) -> None:
        self.kept.emit(Secret(self.line.text()))

    def say_kept(self) -> None:
        self.line.clear()
        self.say(tr("Kept in the keyring"), "ok")

    def say(self, text: str, tone: str = "muted") -> None:
        self.said.set_tone(tone)
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def forget(self) -> None:
        self.line.clear()
        self.said.hide()
