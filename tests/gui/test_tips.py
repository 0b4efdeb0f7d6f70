"""Tool tips and message boxes show what a server said as it said it: none of it is taken for HTML."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QStandardItem, QStandardItemModel, QTextDocument
from PySide6.QtGui import Qt as Gui
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QPushButton, QToolTip, QWidget

from onboard import gui
from onboard.gui.undo_dialog import undo_box
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.label import ElidedLabel
from onboard.gui.widgets.stage_list import Mark, Stage, StageList
from onboard.gui.widgets.tips import plain, set_tip
from onboard.gui.widgets.tree_view import TreeView
from onboard.model.events import UndoLine, UndoShown
from onboard.model.words import Text

Show = Callable[..., None]
HOSTILE = '<h1>All online</h1> & "x"\n<img src="file://198.51.100.1/share/x.png"> &lt;b&gt;'


@pytest.fixture(autouse=True)
def no_tip_is_left(show: Show) -> Iterator[None]:
    yield
    QToolTip.hideText()


def seen(text: str) -> str:
    """What Qt shows of a text whose format it detects by itself, as tool tips and message boxes do."""
    if not Gui.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def tip_at(widget: QWidget, place: QPoint) -> str:
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place)))
    shown = [one for one in QApplication.topLevelWidgets() if one.inherits("QTipLabel") and one.isVisible()]
    assert len(shown) == 1
    assert isinstance(shown[0], QLabel)
    assert shown[0].textFormat() is Qt.TextFormat.AutoText
    return seen(shown[0].text())


def model() -> QStandardItemModel:
    items = QStandardItemModel(1, 3)
    for column in range(3):
        item = QStandardItem("told")
        item.setData(HOSTILE, Qt.ItemDataRole.ToolTipRole)
        items.setItem(0, column, item)
        items.setHeaderData(column, Qt.Orientation.Horizontal, HOSTILE, Qt.ItemDataRole.ToolTipRole)
    return items


def data_table() -> QAbstractItemView:
    table = DataTable("servers")
    table.setModel(model())
    return table


def tree() -> QAbstractItemView:
    return TreeView("plan", model(), stretched=2, number=1)


def stages() -> QAbstractItemView:
    found = StageList()
    found.set_stages([Stage("start", "Start", Mark.DONE, tip=HOSTILE)])
    return found


@pytest.mark.parametrize("view_of", [data_table, tree, stages])
def test_a_views_tool_tip_is_plain_text(show: Show, view_of: Callable[[], QAbstractItemView]) -> None:
    view = view_of()
    show(view, 500, 300)
    place = view.visualRect(view.model().index(0, 0)).center()
    assert tip_at(view.viewport(), place) == HOSTILE


def test_a_table_headers_tool_tip_is_plain_text(show: Show) -> None:
    table = DataTable("servers")
    table.setModel(model())
    show(table, 500, 300)
    header = table.horizontalHeader()
    assert tip_at(header.viewport(), QPoint(5, 5)) == HOSTILE


def test_a_widgets_tool_tip_is_plain_text(show: Show) -> None:
    button = QPushButton("Go")
    set_tip(button, HOSTILE)
    show(button, 100, 40)
    assert tip_at(button, QPoint(5, 5)) == HOSTILE
    label = ElidedLabel(HOSTILE)
    show(label, 40, 40)
    assert tip_at(label, QPoint(5, 5)) == HOSTILE


def test_plain_text_stays_as_it_is() -> None:
    for text in ("", "Red Hat Enterprise Linux 8.9 (Ootpa)", "a\nb", "clock < 5 minutes, disk > 1 GB"):
        assert plain(text) == text


def test_a_message_box_shows_plain_text(show: Show) -> None:
    line = UndoLine.of("delete_role", "x", Text("{what}", what=HOSTILE))
    parent = QWidget()
    box = undo_box(parent, UndoShown(run="r", servers=(), nodes={}, lines=(line,)))
    assert HOSTILE in seen(box.informativeText())


def test_tool_tips_are_made_nowhere_else() -> None:
    folder = Path(gui.__file__).parent
    maker = re.compile(r"\.setToolTip\(|QToolTip\.showText\(")
    elsewhere = [path.name for path in folder.rglob("*.py") if maker.search(path.read_text(encoding="utf-8"))]
    assert elsewhere == ["tips.py"]
