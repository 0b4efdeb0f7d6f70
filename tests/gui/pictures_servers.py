"""Pictures of the Servers page and its dialogs in their states."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import scenes
import scenes_servers
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from session_feed import feed, without_child

from onboard.gui.models.servers import Column
from onboard.gui.pages.servers import ServersPage
from onboard.gui.servers.credentials import CredentialsSheet
from onboard.gui.servers.edit import EditSheet
from onboard.gui.servers.import_list import ImportSheet
from onboard.gui.servers.keys import KeysSheet
from onboard.gui.servers.lines import LinesSheet
from onboard.gui.servers.probe import ProbeSheet
from onboard.gui.servers.sheet import Sheet
from onboard.hosts.lockout import Lockout
from onboard.lists.catalog import parse
from onboard.model.cancel import CancelToken
from onboard.wizard.servers import to_approve

if TYPE_CHECKING:
    from screenshots import Desk

CSV = """\
Hostname;IP Address;SSH Port;Group;tag:site;Root Password;Notes
srv-web-41;10.20.9.41;22;linux;fra;hunter2;rack 7
srv-web-42;10.20.9.42;2222;linux;fra;hunter2;
srv-web-43;10.20.9.430;22;linux;fra;hunter2;
srv-web-44;10.20.9.44;ssh;linux;fra;hunter2;moved
srv-web-45;10.20.9.45;22;linux;muc;hunter2;
"""
LINES = "srv-app-90 10.20.9.1\nsrv-app-91 10.20.9.2:2222\nadmin@srv-app-92\nsrv-app-93 10.20.9.333\n"


def servers(desk: "Desk") -> Iterator[tuple[str, QWidget]]:
    yield "servers-empty", desk.window("servers", hosts=(), credentials={})
    draft = scenes_servers.profile()
    told = {"trust": scenes_servers.trust(scenes.names())}
    unread = desk.window("servers", hosts=draft.hosts, credentials={})
    yield "servers-unread", unread
    without_child(unread.session)
    unread.page.primary()
    desk.settle()
    time.sleep(4)  # long enough for the wait to say what it waits for
    yield "servers-reading", unread
    window = desk.window("servers", told, hosts=draft.hosts, credentials=draft.credentials)
    page = window.page
    assert isinstance(page, ServersPage)
    page.table.selectRow(3)
    yield "servers", window
    page.table.selectRow(0)
    yield "servers-refused", window
    page.model.setData(page.model.index(4, Column.ADDRESS), "10.20.0.300")
    page.table.setCurrentIndex(page.model.index(6, Column.CREDENTIAL))
    page.table.edit(page.model.index(6, Column.CREDENTIAL))
    yield "servers-typed", window
    page.table.setCurrentIndex(page.model.index(7, Column.NAME))
    page.table.edit(page.model.index(7, Column.NAME))
    yield "servers-renamed", window
    page.table.setCurrentIndex(page.model.index(0, Column.NAME))  # the editor closes
    desk.settle()
    page.model.forget_wrong()
    page.filter.setText("no such")
    yield "servers-no-match", window
    without_child(window.session)
    keys = to_approve(window.session.view.draft, window.session.view.state("trust"))
    lockout = Lockout.of_this_user(page.session.home)
    for server in scenes.names()[:2]:
        with lockout.attempt(draft.credentials["dba"].username, "dba", server, CancelToken()) as attempt:
            attempt.accepted = False
    sheets: list[tuple[str, Sheet]] = [
        ("servers-lines", LinesSheet(page, draft, LINES)),
        ("servers-import", ImportSheet(page, draft, Path("fra-hosts.csv"), parse(CSV.encode(), "fra-hosts.csv"))),
        ("servers-credentials", CredentialsSheet(page, draft, lockout, "linux")),
        ("servers-credentials-stopped", CredentialsSheet(page, draft, lockout, "dba")),
        ("servers-edit", EditSheet(page, draft, scenes.names()[:1])),
        ("servers-edit-many", EditSheet(page, draft, scenes.names()[:12])),
    ]
    review = KeysSheet(page, keys, {host.name: host.address for host in draft.hosts})
    review.model.turn(range(3))
    sheets.append(("servers-keys", review))
    for name, sheet in sheets:
        yield from _shown(name, sheet)
    host = draft.hosts[2]
    for name, told in (
        ("servers-probe", scenes_servers.probe(host.name)),
        ("servers-probe-no-key", scenes_servers.probe_without_key(host.name)),
    ):
        probe = ProbeSheet(page, window.session, host)
        feed(window.session, "probe", *told)
        yield from _shown(name, probe)


def _shown(name: str, sheet: Sheet) -> Iterator[tuple[str, QWidget]]:
    sheet.setWindowModality(Qt.WindowModality.NonModal)
    sheet.show()
    yield name, sheet
    sheet.reject()
