"""The Servers page: the list, the credentials and the identity of each server."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keyring
import pytest
import scenes
import scenes_servers
import shiboken6
from gui.conftest import settle
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError
from machine import slowness
from parts import part
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel, QLineEdit, QPlainTextEdit, QPushButton
from session_feed import feed, tell, without_child

from onboard.gui import background
from onboard.gui.models.servers import Column
from onboard.gui.pages import servers as page_module
from onboard.gui.pages.servers import ServersPage
from onboard.gui.servers.credentials import CredentialsSheet
from onboard.gui.servers.edit import EditSheet
from onboard.gui.servers.import_list import ImportSheet
from onboard.gui.servers.keys import KeysSheet
from onboard.gui.servers.lines import LinesSheet
from onboard.gui.servers.probe import ProbeSheet
from onboard.gui.servers.sheet import Sheet
from onboard.gui.session import Session
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.verbatim import Verbatim
from onboard.gui.window import Window
from onboard.hosts.lockout import Lockout
from onboard.lists.catalog import parse
from onboard.lists.reader import Parsed
from onboard.model import events
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError, Problem
from onboard.model.events import RunFailed
from onboard.model.place import Place
from onboard.model.profile import CredentialKind, Host, Profile
from onboard.wizard import draft
from onboard.wizard.servers import Identity, to_approve

Show = Callable[..., None]
Until = Callable[..., None]
Orders = list[Mapping[str, Any]]

NAMES = ("web-1", "web-2", "web-10", "db-1")
PROFILE = draft.with_hosts(
    Profile.model_validate({"credentials": {"linux": {"kind": "ssh-agent", "username": "admin"}}}),
    [Host(name=name, address=f"10.0.0.{n}", credential="linux") for n, name in enumerate(NAMES, start=1)],
)


@pytest.fixture
def orders(session: Session) -> Orders:
    return without_child(session)


@pytest.fixture
def window(session: Session, orders: Orders, show: Show) -> Iterator[Window]:
    made = Window(session)
    session.editor.use(PROFILE, PROFILE, None)
    show(made, 1280, 800)
    made.visit("servers")
    yield made
    session.editor.use(PROFILE, PROFILE, None)  # nothing unsaved to ask about


@pytest.fixture
def page(window: Window) -> ServersPage:
    found = window.page
    assert isinstance(found, ServersPage)
    return found


def told(page: ServersPage, *events: Any, run: str = "1") -> None:
    feed(page.session, "trust", scenes.began("trust", NAMES, run), *events)
    feed(page.session, "trust", scenes.ended(()))
    tell(page.session)


def mixed(page: ServersPage) -> None:
    """web-1 trusted, web-2 to approve, web-10 changed, db-1 not reached."""
    told(
        page,
        *scenes_servers.known("web-1"),
        *scenes_servers.new("web-2"),
        *scenes_servers.changed("web-10"),
        *scenes_servers.unreached("db-1"),
    )


def shown(page: ServersPage, column: Column = Column.NAME) -> list[object]:
    return [page.model.index(row, column).data() for row in range(page.model.rowCount())]


def hosts(page: ServersPage) -> list[str]:
    return [host.name for host in page.session.view.draft.hosts]


def answer(monkeypatch: pytest.MonkeyPatch, kind: type[Sheet], act: Callable[[Any], None]) -> list[Sheet]:
    """Answer dialogs of that kind with `act` instead of a person; returns the dialogs shown."""
    asked: list[Sheet] = []

    def executed(sheet: Sheet) -> int:
        asked.append(sheet)
        act(sheet)
        return sheet.result()

    monkeypatch.setattr(kind, "exec", executed)
    return asked


# The list


def test_without_servers_the_page_says_what_to_do(window: Window, page: ServersPage) -> None:
    page.session.editor.use(Profile(), None, None)
    offered = [button.text() for button in page.table.findChildren(QPushButton) if button.isVisible()]
    assert offered == ["Add &servers…"]
    assert page.primary_label() == ""


def test_typed_lines_become_servers_and_can_be_undone(page: ServersPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def type_two(sheet: LinesSheet) -> None:
        sheet.lines.setPlainText("app-1 10.1.0.1\napp-2 10.1.0.2:2222")
        sheet.credential.setCurrentText("linux")
        assert not sheet.look()
        assert sheet.primary.text().replace("&", "") == "Add 2 servers"
        sheet.accept()

    answer(monkeypatch, LinesSheet, type_two)
    page.add_lines()
    assert hosts(page) == [*NAMES, "app-1", "app-2"]
    assert page.session.view.draft.hosts[-1].place == Place("10.1.0.2", 2222)
    QTest.keySequence(page.table, QKeySequence(QKeySequence.StandardKey.Undo))
    assert hosts(page) == list(NAMES)
    QTest.keySequence(page.table, QKeySequence(QKeySequence.StandardKey.Redo))
    assert hosts(page)[-1] == "app-2"


def test_wrong_lines_are_named_and_kept(page: ServersPage) -> None:
    sheet = LinesSheet(page, PROFILE, "app-1 10.1.0.1\nroot@app-2\nweb-1 10.1.0.9")
    assert [problem.key for problem in sheet.look()] == ["line 2"]
    assert not sheet.primary.isEnabled()
    sheet.accept()
    assert sheet.result() == QDialog.DialogCode.Rejected
    sheet.lines.setPlainText("app-1 10.1.0.1\nweb-1 10.1.0.9")
    problems = sheet.look()
    assert "web-1" in str(problems[0])
    assert "app-1" in sheet.lines.toPlainText()
    sheet.reject()


@pytest.mark.parametrize("line", ["my server 10.0.0.2", "1 mistake found", "app-2 10.0.11.184a"])
def test_a_line_that_is_not_understood_is_never_added(page: ServersPage, line: str) -> None:
    sheet = LinesSheet(page, PROFILE, f"app-1 10.1.0.1\n{line}")
    assert [problem.key for problem in sheet.look()] == ["line 2"]
    assert not sheet.primary.isEnabled()
    sheet.reject()


def test_pasting_on_the_table_offers_the_lines(page: ServersPage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, LinesSheet, lambda sheet: sheet.accept())
    QGuiApplication.clipboard().setText("app-7 10.1.0.7")
    page.table.setFocus()
    QTest.keySequence(page.table, QKeySequence(QKeySequence.StandardKey.Paste))
    assert len(asked) == 1
    assert hosts(page)[-1] == "app-7"


CSV = "name,address,port,password\napp-1,10.1.0.1,22,x\napp-2,10.1.0.999,22,x\napp-3,10.1.0.3,2222,x\n"


@pytest.mark.parametrize(("replace", "wanted"), [(False, [*NAMES, "app-1", "app-3"]), (True, ["app-1", "app-3"])])
def test_a_dropped_list_is_shown_before_it_is_taken(
    window: Window, page: ServersPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, replace: bool, wanted: list[str]
) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text(CSV)

    def look(sheet: ImportSheet) -> None:
        said = " ".join(
            label.toPlainText() if hasattr(label, "toPlainText") else label.text() for label in texts(sheet)
        )
        assert "hosts.csv line 3: address" in said
        assert "password (secrets are never taken from a list)" in said
        (sheet.replace if replace else sheet.add).setChecked(True)
        assert sheet.primary.text().replace("&", "") == "Import 2 servers"
        sheet.accept()

    asked = answer(monkeypatch, ImportSheet, look)
    window.import_hosts(file)
    assert len(asked) == 1
    assert hosts(page) == wanted
    page.edits.stack.undo()
    assert hosts(page) == list(NAMES)


def test_a_list_without_a_preview_is_imported_too(page: ServersPage) -> None:
    parsed = Parsed((Host(name="new", address="10.0.0.9"),), (4,), (Problem("a line 5", "it is odd", "Delete it"),))
    sheet = ImportSheet(page, PROFILE, Path("a"), parsed)
    assert sheet.primary.text().replace("&", "") == "Import 1 server"
    assert sheet.findChildren(DataTable) == []
    assert "a line 5: it is odd" in " ".join(text.toPlainText() for text in sheet.findChildren(Verbatim))
    sheet.accept()
    assert [host.name for host in sheet.profile.hosts] == [*NAMES, "new"]


def texts(sheet: Sheet) -> list[Any]:
    return [*sheet.findChildren(QLabel), *sheet.findChildren(QPlainTextEdit)]


def test_servers_that_are_there_already_are_no_import(page: ServersPage) -> None:
    sheet = ImportSheet(page, PROFILE, Path("a.csv"), parse(b"name,address\nnew,10.0.0.1\n", "a.csv"))
    assert not sheet.primary.isEnabled()
    sheet.replace.setChecked(True)
    assert sheet.primary.isEnabled()
    sheet.reject()


def test_a_file_that_is_no_list_is_refused(page: ServersPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: list[OnboardError] = []
    monkeypatch.setattr(page_module, "show_error", lambda _parent, _title, error: said.append(error))
    file = tmp_path / "hosts.csv"
    file.write_bytes(b"PK\x03\x04rest")
    page.take_file(file)
    assert len(said) == 1
    assert hosts(page) == list(NAMES)


def typed(page: ServersPage, row: int, column: Column, text: str) -> None:
    """Edit a cell as a person does: F2, text, Enter."""
    page.table.setCurrentIndex(page.model.index(row, column))
    QTest.keyClick(page.table, Qt.Key.Key_F2)
    editor = page.table.viewport().findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QGuiApplication.processEvents()
    QGuiApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # or the next is taken for it


@pytest.mark.parametrize(
    ("column", "text", "field", "value"),
    [
        (Column.NAME, "shop-1", "name", "shop-1"),
        (Column.ADDRESS, "10.0.0.99", "address", "10.0.0.99"),
        (Column.PORT, "2022", "port", 2022),
        (Column.CREDENTIAL, "dba", "credential", "dba"),
        (Column.TAGS, "site=fra; os=linux", "tags", {"site": "fra", "os": "linux"}),
    ],
)
def test_cells_are_edited_in_place(page: ServersPage, column: Column, text: str, field: str, value: object) -> None:
    typed(page, 0, column, text)
    assert getattr(page.session.view.draft.hosts[0], field) == value
    page.edits.stack.undo()
    assert page.session.view.draft.hosts == PROFILE.hosts


def test_what_is_typed_wrongly_stays_and_says_what_is_wrong(page: ServersPage) -> None:
    typed(page, 0, Column.ADDRESS, "10.0.0.300")
    assert shown(page, Column.ADDRESS)[0] == "10.0.0.300"
    assert page.session.view.draft.hosts[0].address == "10.0.0.1"
    assert part(page, "typed", Banner).isVisible()
    assert "is not a valid address" in part(page, "typed", Banner).accessibleName()
    typed(page, 0, Column.ADDRESS, "10.0.0.30")
    assert page.session.view.draft.hosts[0].address == "10.0.0.30"
    assert not part(page, "typed", Banner).isVisible()
    typed(page, 1, Column.PORT, "ssh")
    page.model.forget_wrong()
    assert shown(page, Column.PORT)[1] == "22"
    assert not part(page, "typed", Banner).isVisible()


def test_a_name_that_another_server_has_is_refused_in_its_cell(page: ServersPage) -> None:
    typed(page, 0, Column.NAME, "web-2")
    assert hosts(page) == list(NAMES)
    assert "web-2" in part(page, "typed", Banner).accessibleName()


def test_many_are_edited_at_once(page: ServersPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(sheet: EditSheet) -> None:
        sheet.port.setText("abc")
        sheet.accept()
        assert sheet.result() == QDialog.DialogCode.Rejected
        sheet.port.setText("")
        sheet.credential.setCurrentText("dba")
        sheet.tags.setText("team=web")
        sheet.accept()

    asked = answer(monkeypatch, EditSheet, fill)
    page.table.selectAll()
    page.edit_selected()
    assert asked
    assert {(host.credential, host.tags["team"]) for host in page.session.view.draft.hosts} == {("dba", "web")}
    assert [host.place for host in page.session.view.draft.hosts] == [host.place for host in PROFILE.hosts]
    page.edits.stack.undo()
    assert page.session.view.draft.hosts == PROFILE.hosts


def test_one_is_edited_in_a_form(page: ServersPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(sheet: EditSheet) -> None:
        assert sheet.address.text() == "10.0.0.1"
        sheet.address.setText("10.0.0.2")
        sheet.accept()
        assert sheet.result() == QDialog.DialogCode.Rejected
        sheet.name.setText("shop")
        sheet.address.setText("shop")
        sheet.accept()

    answer(monkeypatch, EditSheet, fill)
    page.table.selectRow(0)
    page.edit_selected()
    assert page.session.view.draft.hosts[0] == Host(name="shop", credential="linux")


def test_the_delete_key_removes_the_selection(page: ServersPage) -> None:
    page.table.setFocus()
    page.table.selectRow(1)
    QTest.keyClick(page.table, Qt.Key.Key_Delete)
    assert hosts(page) == ["web-1", "web-10", "db-1"]
    QTest.keySequence(page.table, QKeySequence(QKeySequence.StandardKey.Undo))
    assert hosts(page) == list(NAMES)


def test_another_profile_leaves_nothing_to_undo(page: ServersPage) -> None:
    page.table.selectRow(0)
    page.remove_selected()
    page.session.editor.use(PROFILE, PROFILE, None)
    assert not page.edits.stack.canUndo()


# Identity


def test_what_needs_a_person_comes_first_and_is_counted(page: ServersPage) -> None:
    page.table.selectRow(0)
    mixed(page)
    assert shown(page) == ["web-10", "web-2", "db-1", "web-1"]
    assert shown(page, Column.IDENTITY) == ["key changed: refused", "to approve", "not reached", "known"]
    assert page.selected() == ["web-1"]
    assert page.model.counts() == {"all": 4, "refused": 1, "to_approve": 1, "not_reached": 1, "trusted": 1}
    page.chips.pick(Identity.REFUSED.value)
    assert shown(page) == ["web-10"]
    page.chips.pick("all")
    page.filter.setText("DB- 10.0.0")
    assert shown(page) == ["db-1"]


def test_names_sort_as_people_count(page: ServersPage) -> None:
    page.table.sort_by(Column.NAME)
    assert shown(page) == ["db-1", "web-1", "web-2", "web-10"]


def test_the_selection_is_explained(page: ServersPage) -> None:
    mixed(page)
    page.table.selectRow(0)
    assert part(page, "identity", Banner).isVisible()
    assert "ssh-keygen -R" in part(page, "identity", Banner).accessibleName()
    page.filter.setText("web-1")  # the selection is not shown any more
    page.filter.setText("no such")
    assert not part(page, "identity", Banner).isVisible()
    assert not part(page, "remove", Button).isEnabled()


def test_the_primary_button_reads_the_keys_that_were_not_read(
    window: Window, page: ServersPage, orders: Orders
) -> None:
    assert part(window, "footer", Footer).primary.text().replace("&", "") == "Read host keys"
    window.forward()
    assert [host["name"] for host in orders[-1]["profile"]["hosts"]] == list(NAMES)
    settle()
    assert part(window, "footer", Footer).primary.text().replace("&", "") == "Next: Region"
    mixed(page)
    assert page.primary_label() == ""
    page.session.editor.edit(draft.with_hosts(PROFILE, [*PROFILE.hosts, Host(name="late", address="10.0.0.9")]))
    window.forward()
    assert [host["name"] for host in orders[-1]["profile"]["hosts"]] == ["late"]


def test_a_server_that_moved_is_another_server(page: ServersPage) -> None:
    mixed(page)
    row = shown(page).index("web-1")
    page.model.setData(page.model.index(row, Column.PORT), "2222")
    assert page.model.identity(page.model.host(row)) is Identity.UNSEEN
    assert page.primary_label()


def test_only_new_keys_are_reviewed_and_only_ticked_ones_approved(
    page: ServersPage, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(page, *(event for name in NAMES[:2] for event in scenes_servers.new(name)), *scenes_servers.changed("web-10"))

    def tick_one(sheet: KeysSheet) -> None:
        assert [sheet.model.index(row, 1).data() for row in range(sheet.model.rowCount())] == ["web-1", "web-2"]
        assert not sheet.primary.isEnabled()
        sheet.show()
        sheet.activateWindow()
        QGuiApplication.processEvents()
        sheet.table.selectRow(1)
        sheet.table.setFocus()
        QTest.keyClick(sheet.table, Qt.Key.Key_Space)
        assert sheet.primary.text().replace("&", "") == "Approve 1 key"
        sheet.accept()

    answer(monkeypatch, KeysSheet, tick_one)
    page.keys.review()
    assert orders[-1]["do"] == "trust"
    assert orders[-1]["approve"] == {"web-2": scenes_servers.fingerprint("web-2")}
    assert [host["name"] for host in orders[-1]["profile"]["hosts"]] == ["web-2"]
    assert page.model.counts()["refused"] == 1  # what is known of the others stays


def test_all_or_none_are_ticked(page: ServersPage) -> None:
    mixed(page)
    keys = to_approve(page.session.view.draft, page.session.view.state("trust"))
    sheet = KeysSheet(page, keys, {})
    sheet.model.tick_all(True)
    assert set(sheet.approved) == {"web-2"}
    sheet.model.tick_all(False)
    assert not sheet.approved
    sheet.reject()


def test_keys_are_compared_with_a_file_and_the_outcome_said(page: ServersPage, orders: Orders) -> None:
    told(page, *(event for name in NAMES for event in scenes_servers.new(name)))
    page.keys.compare_with(Path("/lists/known_hosts"))
    assert orders[-1]["known_hosts"] == "/lists/known_hosts"
    told(page, *scenes_servers.known("web-1"), run="2")
    assert page.model.counts()["trusted"] == 1
    assert "1 key was found in known_hosts" in part(page, "keys-notice", Banner).accessibleName()


def test_a_failed_reading_says_so(page: ServersPage) -> None:
    told(page, RunFailed(kind="error", what="The file cannot be read", why="No such file", remedy="Name another"))
    assert part(page, "error", ErrorPanel).isVisible()
    assert "Name another" in part(page, "error", ErrorPanel).copied_text()


# The test of one


def test_each_stage_of_a_test_is_shown_and_copied(page: ServersPage, orders: Orders) -> None:
    sheet = ProbeSheet(page, page.session, PROFILE.hosts[0])
    sheet.show()
    assert orders[-1]["host"] == "web-1"
    assert len(orders[-1]["profile"]["hosts"]) == 1
    assert not sheet.again.isEnabled()
    feed(page.session, "probe", *scenes_servers.probe("web-1"))
    tell(page.session)
    assert sheet.again.isEnabled()
    sheet.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert "Name: passed. 10.20.0.12" in copied
    assert "Log-in: failed. The log-in as admin was refused" in copied
    assert "Privilege: not tried" in copied
    sheet.reject()


def test_what_a_test_did_not_come_to_is_not_shown_as_passed_nor_as_still_to_come(
    page: ServersPage, orders: Orders
) -> None:
    sheet = ProbeSheet(page, page.session, PROFILE.hosts[0])
    sheet.show()
    feed(page.session, "probe", *scenes_servers.probe_without_key("web-1"))
    tell(page.session)
    assert words(sheet) == ["passed", "not tried", "not tried", "failed", "not tried"]
    sheet.run()
    begun, name, *_ = scenes_servers.probe_without_key("web-1")
    feed(page.session, "probe", begun, name)
    tell(page.session)
    assert words(sheet) == ["passed", "waiting…", "to do", "to do", "to do"]
    feed(page.session, "probe", events.RunFinished(run="", hosts={}))  # it was stopped
    tell(page.session)
    assert words(sheet) == ["passed", *["no result"] * 4]
    sheet.reject()


def words(sheet: ProbeSheet) -> list[str]:
    """The words next to each stage of the test."""
    said = ("passed", "failed", "not tried", "waiting…", "to do", "no result")
    return [label.text() for label in sheet.findChildren(QLabel) if label.text() in said]


def test_closing_a_test_stops_it(page: ServersPage, orders: Orders) -> None:
    sheet = ProbeSheet(page, page.session, PROFILE.hosts[0])
    sheet.reject()
    assert orders[-1] == {"do": "stop_now", "id": orders[-2]["id"]}


# Credentials


class Ring(KeyringBackend):
    priority = 1

    def __init__(self, *, locked: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = locked

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringError("locked")
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def lockout_of(page: ServersPage) -> Lockout:
    return Lockout.of_this_user(page.session.home)


def test_an_account_that_servers_refused_is_told_and_can_be_allowed_again(
    page: ServersPage, until: Callable[..., None]
) -> None:
    lockout = lockout_of(page)
    user = PROFILE.credentials["linux"].username
    for server in ("web-1", "web-2"):
        with lockout.attempt(user, "linux", server, CancelToken()) as attempt:
            attempt.accepted = False
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    assert not sheet.stopped.isHidden()
    assert "web-1, web-2" in sheet.stopped.accessibleName()
    sheet.stopped.findChild(QAbstractButton).click()
    until(sheet.stopped.isHidden)
    assert lockout_of(page).stopped() == {}
    sheet.reject()


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_a_credential_is_described_and_its_secret_goes_to_the_keyring_alone(
    page: ServersPage, ring: Ring, until: Callable[..., None]
) -> None:
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    form = sheet.form
    form.kind.setCurrentIndex(form.kind.findData(CredentialKind.SSH_PASSWORD.value))
    form.kind.activated.emit(form.kind.currentIndex())
    QTest.keyClicks(form.secret.line, "s3cret-word")
    assert form.secret.line.displayText() != "s3cret-word"
    form.secret.keep.click()
    until(form.isEnabled)
    assert ring.kept == {("onboard", "linux"): "s3cret-word"}
    assert form.secret.line.text() == ""
    sheet.accept()
    assert sheet.result() == QDialog.DialogCode.Accepted
    assert sheet.profile.credentials["linux"].kind is CredentialKind.SSH_PASSWORD
    assert "s3cret-word" not in sheet.profile.model_dump_json()


def test_a_keyring_that_refuses_says_so_and_keeps_what_was_typed(
    page: ServersPage, ring: Ring, until: Callable[..., None]
) -> None:
    ring.locked = True
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    QTest.keyClicks(sheet.form.secret.line, "s3cret-word")
    sheet.form.secret.keep.click()
    until(sheet.form.isEnabled)
    assert "The secret was not stored" in sheet.form.secret.accessibleDescription()
    assert sheet.form.secret.line.text() == "s3cret-word"
    sheet.reject()


def test_a_keyring_that_waits_to_be_unlocked_holds_up_no_window(
    page: ServersPage, ring: Ring, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = threading.Event()
    keep = ring.set_password

    def wait(*secret: str) -> None:
        assert unlocked.wait(30)
        keep(*secret)

    monkeypatch.setattr(ring, "set_password", wait)
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    QTest.keyClicks(sheet.form.secret.line, "s3cret-word")
    sheet.form.secret.keep.click()
    assert not sheet.list.isEnabled(), "no other credential is shown meanwhile"
    assert sheet.form.secret.said.text() == "Waiting for the keyring…"
    assert not ring.kept
    unlocked.set()
    until(sheet.list.isEnabled)
    assert ring.kept == {("onboard", "linux"): "s3cret-word"}
    assert sheet.form.secret.said.text() == "Kept in the keyring"
    sheet.reject()


def test_a_dialog_that_was_closed_is_not_told_of_its_keyring(
    page: ServersPage, ring: Ring, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked, asked = threading.Event(), threading.Event()
    monkeypatch.setattr(ring, "set_password", lambda *_: asked.set() or unlocked.wait(30))
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    QTest.keyClicks(sheet.form.secret.line, "s3cret-word")
    sheet.form.secret.keep.click()
    until(asked.is_set)
    shiboken6.delete(sheet)
    unlocked.set()
    until(lambda: not QCoreApplication.instance().findChildren(background.Report))


def test_a_wrong_field_is_named_and_nothing_is_lost(page: ServersPage) -> None:
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    form = sheet.form
    form.kind.setCurrentIndex(0)
    form.kind.activated.emit(0)
    sheet.accept()
    assert sheet.result() == QDialog.DialogCode.Rejected
    assert "private key" in form.key_file.accessibleDescription()
    form.key_file.line.setText("~/.ssh/id_ed25519")
    form.name.setText("linux admin")
    form.name.textEdited.emit("linux admin")
    sheet.accept()
    assert "not a valid name for a credential" in form.name.accessibleDescription()
    form.name.setText("ops")
    sheet.accept()
    assert list(sheet.profile.credentials) == ["ops"]
    assert {host.credential for host in sheet.profile.hosts} == {"ops"}


def test_credentials_come_and_go(page: ServersPage) -> None:
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    sheet._add()
    sheet.form.username.setText("root")
    sheet.form.key_file.line.setText("~/.ssh/id_rsa")
    assert sheet.list.select_key("linux")
    assert list(sheet.profile.credentials) == ["linux", "linux-admin"]
    sheet._delete()
    sheet.accept()
    assert list(sheet.profile.credentials) == ["linux-admin"]


def test_an_agent_may_be_told_which_of_its_keys_to_use(page: ServersPage) -> None:
    sheet = CredentialsSheet(page, PROFILE, lockout_of(page), "linux")
    assert not sheet.form.key_file.isHidden()
    assert sheet.form.passphrase.isHidden()
    sheet.form.key_file.line.setText("~/.ssh/work.pub")
    sheet.form.key_file.line.textEdited.emit("")
    sheet.accept()
    assert sheet.profile.credentials["linux"].key_file == "~/.ssh/work.pub"


def test_a_credential_that_nothing_describes_is_asked_for(page: ServersPage, monkeypatch: pytest.MonkeyPatch) -> None:
    page.session.editor.edit(draft.without_credential(PROFILE, "linux"))
    assert part(page, "credentials-notice", Banner).isVisible()

    def describe(sheet: CredentialsSheet) -> None:
        assert sheet.form.name.text() == "linux"
        sheet.form.username.setText("admin")
        sheet.form.username.textEdited.emit("admin")
        sheet.form.kind.setCurrentIndex(1)
        sheet.accept()

    answer(monkeypatch, CredentialsSheet, describe)
    page.edit_credentials()
    assert page.session.view.draft.credentials["linux"].kind is CredentialKind.SSH_AGENT
    assert not part(page, "credentials-notice", Banner).isVisible()
    page.edits.stack.undo()
    assert page.session.view.draft.credentials == {}


# The whole


def test_every_button_has_its_letter_and_no_two_the_same(window: Window, page: ServersPage) -> None:
    mixed(page)
    page.session.editor.edit(draft.without_credential(page.session.view.draft, "linux"))
    page.model.setData(page.model.index(1, Column.PORT), "x")
    page.table.selectRow(0)
    chips = page.chips.findChildren(QAbstractButton)
    buttons = [
        button
        for button in window.findChildren(QAbstractButton)
        if button.isVisible() and button.text() and button not in chips
    ]
    letters = [button.shortcut().toString() for button in buttons]
    assert all(letters), [button.text() for button in buttons if button.shortcut().isEmpty()]
    assert len(set(letters)) == len(letters), sorted(letters)
    menus = {"Alt+F", "Alt+V", "Alt+G", "Alt+H"}
    assert not menus & set(letters)


def test_ten_thousand_servers_filter_quickly(page: ServersPage) -> None:
    page.session.editor.use(scenes.profile(10_000), None, None)
    took = []
    for text in ("srv-db", "srv-web-9", "10.20.3", "", "gateway"):
        began = time.thread_time()  # not the clock's: others may be at work on this computer
        page.filter.setText(text)
        took.append(time.thread_time() - began)
    print(f"filtering 10,000 servers: {max(took) * 1000:.0f} ms at most")
    assert sorted(took)[len(took) // 2] < 0.05 * slowness()


def test_keys_are_read_approved_and_trusted_in_practice(session: Session, show: Show, until: Until) -> None:
    page = ServersPage(session)
    session.editor.draft_changed.connect(page.draft_changed)
    session.commands.states_changed.connect(page.states_changed)
    session.orders.running_changed.connect(page.running_changed)
    show(page, 1024, 700)
    ready: list[bool] = []
    session.practice.ready.connect(lambda: ready.append(True))
    session.practice.failed.connect(lambda *said: pytest.fail(" ".join(said)))
    session.practice.start(2)
    until(lambda: ready, 40)
    assert page.primary()
    until(lambda: page.model.counts().get("to_approve") == 2, 40)
    until(lambda: not session.view.running, 40)
    assert not page.primary()
    name = session.view.draft.hosts[0].name
    key = to_approve(session.view.draft, session.view.state("trust"))[name]
    page.keys.read([name], approve={name: key.fingerprint})
    until(lambda: page.model.counts().get("trusted") == 1, 40)
    until(lambda: not session.view.running, 40)
    assert page.model.counts()["to_approve"] == 1
    sheet = ProbeSheet(page, session, session.view.draft.hosts[0])
    sheet.show()
    until(lambda: sheet.again.isEnabled(), 40)
    assert "Privilege: passed" in sheet.copied_text()
    sheet.reject()
    assert page.model.counts()["trusted"] == 1
