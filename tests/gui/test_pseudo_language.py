"""In a language that puts brackets around each text, only texts from elsewhere are on screen without brackets.

What others said is known by where it came from: events, the profile, what is wrong with a value, the map's places.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path

import pytest
import scenes
import screenshots
from gui.conftest import settle
from pictures_servers import CSV
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QCoreApplication,
    QLocale,
    QModelIndex,
    Qt,
    QTranslator,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)
from session_feed import feed, tell, without_child

from onboard.gui.commands import Commands
from onboard.gui.models.check_matrix import short_system
from onboard.gui.session import Session
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.top_bar import PRODUCT
from onboard.gui.window import Window
from onboard.model.errors import Problem
from onboard.model.events import Event
from onboard.wizard.recent import recents
from onboard.wizard.regions import places

OPEN, CLOSE = "⟦", "⟧"
ROWS = 12  # of a table
SHOWN, TIP = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole


class Brackets(QTranslator):
    def translate(self, context: str, text: str, comment: str | None = None, n: int = -1) -> str:
        return f"{OPEN}{text}{CLOSE}"  # Qt's own too

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False


@pytest.fixture
def brackets(qapp: object) -> Iterator[None]:
    one = Brackets()
    QCoreApplication.installTranslator(one)
    yield
    QCoreApplication.removeTranslator(one)


class Heard:
    """All texts from elsewhere: servers, AWS, the profile."""

    def __init__(self) -> None:
        self._pieces = {PRODUCT}
        for place in places().values():
            self.hear((place.place, place.name))
        self.hear(QLocale().dayName(day) for day in range(1, 8))
        self.hear(CSV.replace(";", "\n"))  # a list that is imported

    def hear(self, value: object) -> None:
        if isinstance(value, str):
            self._pieces |= {begun(piece) for piece in (value, short_system(value), *pieces(value))}
        elif is_dataclass(value) and not isinstance(value, type):
            self.hear(asdict(value))
        elif isinstance(value, Mapping):
            self.hear((*value, *value.values()))
        elif isinstance(value, Iterable):
            for one in value:
                self.hear(one)

    def unheard(self, text: str) -> list[str]:
        """Pieces of a text outside brackets that do not come from elsewhere."""
        return [one for one in pieces(outside(text)) if not is_no_word(one) and begun(one) not in self._pieces]


def outside(text: str) -> str:
    """The text outside brackets."""
    depth, rest = 0, []
    for letter in text:
        depth += (letter == OPEN) - (letter == CLOSE)
        rest.append("\n" if letter in (OPEN, CLOSE) else letter if depth == 0 else "")
    return "".join(rest)


def begun(piece: str) -> str:
    """The piece in lower case, so that it is the same within a sentence and at its beginning."""
    return piece[:1].lower() + piece[1:] if " " in piece else piece


def pieces(text: str) -> list[str]:
    return [piece for part in re.split(r"\n| · | → |: |\. |; |, ", text) if (piece := part.strip(" .:+,•"))]


def is_no_word(piece: str) -> bool:
    """A path, a machine name (perhaps shortened), a number or an abbreviation: things that are not translated."""
    return (
        piece.isupper() or not re.search(r"[^\W\d_]{3}", piece) or bool(re.fullmatch(r"\S*[/@=_\d]\S*|\S+-\S+…", piece))
    )


class Desk:
    """Like the one in screenshots.py, but in the process of the tests."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._open: list[Window] = []

    def window(self, page: str, told: Mapping[str, Iterable[Event]] | None = None, **profile: object) -> Window:
        session = Session()
        without_child(session)
        session.practice.failed.connect(lambda _, why: self._heard.hear(why))
        window = Window(session)
        window.resize(1280, 800)
        draft = scenes.profile().model_copy(update=profile)
        self._heard.hear(draft.model_dump(mode="json"))
        session.editor.use(draft, None, None)
        for command, stream in (told or {}).items():
            feed(session, command, *stream)
        window.show()
        self._open.append(window)
        self.settle()
        window.visit(page)
        assert window.current.name == page
        return window

    def settle(self) -> None:
        for window in self._open:
            tell(window.session)
        QCoreApplication.processEvents()

    def clear(self) -> None:
        for window in self._open:
            window.session.close()
            window.hide()
            window.deleteLater()
        self._open.clear()
        settle()


def shown(top: QWidget) -> Iterator[tuple[str, QWidget, str]]:
    """(kind, place, text) of everything visible or read by a screen reader."""
    yield "title", top, top.windowTitle()
    for widget in [top, *top.findChildren(QWidget)]:
        if widget.isVisible():
            yield "tip", widget, widget.toolTip()
            yield "name", widget, widget.accessibleName()
            for kind, text in own_texts(widget):
                yield kind, widget, text
    for menu in top.findChildren(QMenu):
        for action in menu.actions():
            yield "action", menu, action.text()


def own_texts(widget: QWidget) -> Iterator[tuple[str, str]]:
    match widget:
        case QLabel() | QAbstractButton():
            yield "text", widget.text()
        case QLineEdit() if not isinstance(widget.parent(), KeyValueForm):  # there it is an example of a value
            yield "placeholder", widget.placeholderText()
        case QComboBox():
            yield from (("choice", widget.itemText(index)) for index in range(widget.count()))
        case QHeaderView() if widget.model() is not None:
            for section in range(widget.count()):
                for role in (SHOWN, TIP):
                    yield "header", str(widget.model().headerData(section, widget.orientation(), role) or "")
        case QAbstractItemView() if widget.model() is not None:
            yield from (("cell", text) for text in cells(widget.model(), QModelIndex()))


def cells(model: QAbstractItemModel, parent: QModelIndex) -> Iterator[str]:
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)
    for row in range(min(model.rowCount(parent), ROWS)):
        for column in range(columns):
            index = model.index(row, column, parent)
            for role in (SHOWN, TIP):
                yield str(index.data(role) or "")
        yield from cells(model, model.index(row, 0, parent))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """Collects the engine's messages and the problems with values, wherever they are reported."""
    one = Heard()
    take, made = Commands.take, Problem.__init__

    def hear_events(commands: Commands, command: str, told: Iterable[Event]) -> None:
        events = tuple(told)
        one.hear(events)
        take(commands, command, events)

    def hear_problem(problem: Problem, *values: str, **named: str) -> None:
        made(problem, *values, **named)
        one.hear(problem)

    monkeypatch.setattr(Commands, "take", hear_events)
    monkeypatch.setattr(Problem, "__init__", hear_problem)
    return one


@pytest.fixture
def desk(heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "home"))
    one = Desk(heard)
    yield one
    one.clear()


@pytest.mark.parametrize("page", screenshots.PAGES)
def test_nothing_is_said_but_through_translation(page: str, brackets: None, heard: Heard, desk: Desk) -> None:
    untranslated: dict[str, str] = {}
    for name, window in screenshots.PAGES[page](desk):  # type: ignore[arg-type]
        desk.settle()
        heard.hear(recents())
        for kind, widget, text in shown(window):
            for piece in heard.unheard(text):
                untranslated.setdefault(piece, f"{name}: {kind} of {type(widget).__name__}: {text}")
    assert list(untranslated.values()) == []
