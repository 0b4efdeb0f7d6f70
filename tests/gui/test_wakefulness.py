"""The computer stays awake while servers are changed and notifies when they are done; if it cannot, no error."""

import os
import sys

import pytest
from PySide6.QtCore import QProcess
from PySide6.QtWidgets import QWidget

from onboard.gui.notice import Notice
from onboard.gui.session import Session
from onboard.gui.wakefulness import Wakefulness
from onboard.model import events, orders

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system: Windows is asked by a call")


def test_the_program_runs_while_held_and_ends_with_its_input(qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.gui.wakefulness._COMMANDS", {sys.platform: ["sh", "-c", "exec cat"]})
    wakefulness = Wakefulness()
    wakefulness.set_held(True)
    process = wakefulness.findChild(QProcess)
    assert process is not None
    assert process.waitForStarted()
    pid = process.processId()
    wakefulness.set_held(True)
    assert wakefulness.findChildren(QProcess) == [process], "held once"
    wakefulness.set_held(False)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    wakefulness.deleteLater()


@pytest.mark.parametrize("command", [["/no/such/program"], ["false"]])
def test_where_it_cannot_nobody_is_troubled(qapp: object, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.setattr("onboard.gui.wakefulness._COMMANDS", {sys.platform: command})
    wakefulness = Wakefulness()
    wakefulness.set_held(True)
    wakefulness.set_held(False)
    wakefulness.deleteLater()


def test_only_commands_that_change_servers_hold_it(qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboard.gui.wakefulness._COMMANDS", {})
    session = Session()
    session.orders.engine.send = lambda *_: None  # type: ignore[method-assign,assignment]
    (wakefulness,) = session.orders.findChildren(Wakefulness)
    held = []
    for order in (orders.Check(), orders.Apply(), orders.Undo(run="r")):
        command = orders.name_of(order)
        session.commands.run(order)
        held.append(wakefulness.is_held)
        session.commands.take(command, [events.RunFinished(run="", hosts={})])
        held.append(wakefulness.is_held)
    assert held == [False, False, True, False, True, False]
    session.close()
    session.deleteLater()


def test_a_notice_without_a_tray_is_no_error(qapp: object) -> None:
    window = QWidget()
    notice = Notice(window)
    notice.tell("The installation ended", "2 servers are online")
    notice.end()
    window.deleteLater()
