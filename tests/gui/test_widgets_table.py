"""The table: keys, copying, stable positions, columns that fit, cells that paint the data of the model."""

import time
from collections.abc import Callable, Hashable

import pytest
from machine import slowness
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QImage
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QMenu

from onboard.gui.theme import Theme
from onboard.gui.widgets.bar_cells import LatencyCell, ProgressCell
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.cells import BadgeCell, MarkCell, StatusCell, TextCell
from onboard.gui.widgets.data_table import DataTable, _limit
from onboard.gui.widgets.empty_state import EmptyState
from onboard.gui.widgets.mark import Mark

Show = Callable[..., None]
Until = Callable[[Callable[[], object]], None]

TITLES = ("Server", "State", "Detail")


class Servers(QAbstractTableModel):
    """name → (state, detail); the name is the key."""

    def __init__(self, rows: dict[str, tuple[str, str]]) -> None:
        super().__init__()
        self.rows = [(name, *rest) for name, rest in rows.items()]

    def rowCount(self, parent: object = None) -> int:  # noqa: N802 - Qt's names
        return 0 if isinstance(parent, QModelIndex) and parent.isValid() else len(self.rows)

    def columnCount(self, parent: object = None) -> int:  # noqa: N802
        return 0 if isinstance(parent, QModelIndex) and parent.isValid() else len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.rows[index.row()][index.column()]
        if role == CellRole.KEY:
            return self.rows[index.row()][0]
        return None

    def replace(self, rows: list[tuple[str, str, str]]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        old = [row[0] for row in self.rows]
        self.layoutAboutToBeChanged.emit()
        self.rows.sort(key=lambda row: row[max(column, 0)], reverse=order is Qt.SortOrder.DescendingOrder)
        new = {row[0]: place for place, row in enumerate(self.rows)}
        kept = self.persistentIndexList()
        self.changePersistentIndexList(kept, [self.index(new[old[index.row()]], index.column()) for index in kept])
        self.layoutChanged.emit()


def servers(count: int = 5) -> Servers:
    return Servers({f"srv-{n:02}": ("ready", f"detail\tof {n}") for n in range(count)})


@pytest.fixture
def table(show: Show) -> DataTable:
    made = DataTable("Servers")
    made.setModel(servers())
    show(made, 700, 300)
    made.setFocus()
    return made


def place(table: DataTable) -> Hashable:
    return table.currentIndex().data(CellRole.KEY)


def test_the_model_of_these_tests_is_one(qapp: QApplication) -> None:
    QAbstractItemModelTester(servers(), QAbstractItemModelTester.FailureReportingMode.Fatal)


def test_rows_are_copied_as_text(table: DataTable) -> None:
    table.select_key("srv-01")
    QTest.keyClick(table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "srv-01\tready\tdetail of 1\nsrv-02\tready\tdetail of 2"


def test_what_is_copied_is_what_is_shown(table: DataTable) -> None:
    table.select_key("srv-00")
    table.setColumnHidden(1, True)
    table.horizontalHeader().moveSection(2, 0)
    assert table.copied_text() == "detail of 0\tsrv-00"


def test_all_rows_are_selected_by_key(table: DataTable) -> None:
    QTest.keyClick(table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert table.selected_rows() == [0, 1, 2, 3, 4]


def test_nothing_selected_copies_nothing(table: DataTable) -> None:
    QGuiApplication.clipboard().setText("kept")
    table.clearSelection()
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "kept"


def test_tab_leaves_the_table(table: DataTable) -> None:
    assert not table.tabKeyNavigation()


def test_selection_and_place_stay_on_their_rows_through_a_reset(table: DataTable) -> None:
    model = table.model()
    assert isinstance(model, Servers)
    table.select_key("srv-01")
    QTest.keyClick(table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert table.selected_keys() == ["srv-01", "srv-02"]
    model.replace([("srv-new", "ready", ""), *reversed(model.rows)])
    assert sorted(map(str, table.selected_keys())) == ["srv-01", "srv-02"]
    assert place(table) == "srv-02"
    model.replace([row for row in model.rows if row[0] != "srv-02"])
    assert table.selected_keys() == ["srv-01"]


class Many(Servers):
    """Answers for whole rows, because queries for single keys and texts would take too long."""

    def key(self, row: int) -> Hashable:
        return self.rows[row][0]

    def row_of(self, key: Hashable) -> int:
        return next((place for place, row in enumerate(self.rows) if row[0] == key), -1)

    def texts(self, row: int) -> tuple[str, str, str]:
        return self.rows[row]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        assert role != CellRole.KEY
        return super().data(index, role)


def test_a_model_of_many_rows_is_asked_for_rows(show: Show) -> None:
    model = Many({f"srv-{n:02}": ("ready", f"detail\tof {n}") for n in range(6)})
    table = DataTable("Servers")
    table.setModel(model)
    show(table, 700, 300)
    assert table.select_key("srv-03")
    assert not table.select_key("srv-99")
    assert table.copied_text() == "srv-03\tready\tdetail of 3"
    table.selectAll()
    model.replace([row for row in reversed(model.rows) if row[0] not in ("srv-02", "srv-03")])
    assert table.selected_keys() == ["srv-05", "srv-04", "srv-01", "srv-00"]
    model.replace([model.rows[0], ("srv-new", "ready", ""), *model.rows[1:]])
    assert table.selected_rows() == [0, 2, 3, 4]


def test_a_reset_selects_nothing_that_was_not(table: DataTable) -> None:
    model = table.model()
    assert isinstance(model, Servers)
    model.replace(list(model.rows))
    assert table.selected_keys() == []


def test_selection_goes_with_its_row_when_sorting(table: DataTable) -> None:
    table.select_key("srv-00")
    table.sort_by(0)
    table.sort_by(0)
    assert [row[0] for row in table.model().rows] == ["srv-04", "srv-03", "srv-02", "srv-01", "srv-00"]
    assert table.selected_keys() == ["srv-00"]
    assert place(table) == "srv-00"


def test_a_row_is_found_by_its_key(table: DataTable) -> None:
    picked = QSignalSpy(table.picked)
    assert table.select_key("srv-03")
    assert table.selected_keys() == ["srv-03"]
    assert picked.count() > 0
    assert not table.select_key("srv-99")
    assert table.selected_keys() == ["srv-03"]


def test_the_menu_can_be_had_by_keyboard_and_opens_at_the_row(table: DataTable, until: Until) -> None:
    index = table.model().index(2, 0)
    table.setCurrentIndex(index)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), table.mapToGlobal(QPoint(1, 1)))
    QApplication.sendEvent(table.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()] == ["&Copy rows", "Select &all", "&Sort by"]
    # The platform may move a menu that has no room; it never opens away from its row.
    row = table.visualRect(index)
    assert abs(menu.x() - table.viewport().mapToGlobal(row.bottomLeft()).x()) <= row.width()
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    until(lambda: not table.findChildren(QMenu))


def test_sorting_is_in_the_menu_for_those_without_a_mouse(table: DataTable) -> None:
    menu = table.menu()
    sorting = next(action.menu() for action in menu.actions() if action.text() == "&Sort by")
    sorting.actions()[2].trigger()
    assert table.horizontalHeader().sortIndicatorSection() == 2
    menu.deleteLater()


def test_an_empty_table_says_what_it_is_for_and_offers_the_first_action(show: Show) -> None:
    table = DataTable("Servers")
    table.set_empty("No servers yet", "Onboard takes them from a list.", "&Import a list…", "import")
    model = servers(0)
    table.setModel(model)
    show(table, 700, 300)
    acted = QSignalSpy(table.empty_action)
    empty = table.findChild(EmptyState)
    assert empty.isVisible()
    QTest.keyClick(empty.findChild(Button), Qt.Key.Key_Space)
    assert acted.count() == 1
    model.replace([("srv-00", "ready", "")])
    assert not empty.isVisible()
    model.replace([])
    assert empty.isVisible()


def test_columns_fit_their_content_and_the_last_takes_the_rest(show: Show, until: Until) -> None:
    table = DataTable("Servers")
    table.setModel(Servers({"a-server-with-a-long-name": ("ok", "")}))
    show(table, 900, 200)
    until(lambda: table.columnWidth(0) > table.columnWidth(1))
    assert sum(table.columnWidth(column) for column in range(3)) == table.viewport().width()


def test_long_texts_give_way_before_the_table_scrolls(show: Show, until: Until) -> None:
    table = DataTable("Servers")
    table.set_cell(1, TextCell(number=True))
    table.setModel(Servers({"x" * 40: ("1,000,000 ms", "y" * 40)}))
    show(table, 420, 200)
    until(lambda: table.horizontalScrollBar().maximum() == 0)
    wanted = table.fontMetrics().horizontalAdvance("1,000,000 ms")
    assert table.columnWidth(1) >= wanted, "a number never gives way"


@pytest.mark.parametrize(
    ("widths", "excess", "least", "expected"),
    [([300, 100], 100, 50, 200), ([300, 300, 100], 400, 50, 100), ([300, 300, 100], 500, 50, 66), ([60], 100, 50, 50)],
)
def test_the_widest_give_way_first(widths: list[int], excess: int, least: int, expected: int) -> None:
    assert _limit(widths, excess, least) == expected


def test_rows_grow_with_the_text(table: DataTable, theme: Theme) -> None:
    assert table.rowHeight(0) == theme.row_height()
    theme.set_text_scale(2)
    assert table.rowHeight(0) == theme.row_height() >= 60


def test_the_row_with_the_keyboard_has_a_ring(table: DataTable) -> None:
    table.setCurrentIndex(table.model().index(1, 0))
    with_ring = table.viewport().grab(table.visualRect(table.model().index(1, 0))).toImage()
    table.clearFocus()
    QApplication.processEvents()
    assert table.viewport().grab(table.visualRect(table.model().index(1, 0))).toImage() != with_ring


class One(QAbstractTableModel):
    """A single cell whose data the test sets."""

    def __init__(self, text: str, roles: dict[int, object]) -> None:
        super().__init__()
        self.answers = {int(Qt.ItemDataRole.DisplayRole): text, **{int(role): value for role, value in roles.items()}}

    def rowCount(self, parent: object = None) -> int:  # noqa: N802
        return 1

    def columnCount(self, parent: object = None) -> int:  # noqa: N802
        return 1

    def data(self, index: QModelIndex, role: int = 0) -> object:
        return self.answers.get(int(role))


def painted(show: Show, cell: object, text: str, roles: dict[int, object]) -> QImage:
    table = DataTable("One", sortable=False, framed=False)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the table's focus ring is not part of the cell
    table.set_cell(0, cell)  # type: ignore[arg-type]
    model = One(text, roles)
    table.setModel(model)
    show(table, 400, 120)
    image = table.viewport().grab(table.visualRect(model.index(0, 0))).toImage()
    table.model_kept = model  # type: ignore[attr-defined]
    return image


def count(image: QImage, token: str) -> int:
    """Pixels of exactly that token's colour."""
    colour = Theme.current().colour(token).rgb()
    return sum(image.pixel(x, y) == colour for x in range(image.width()) for y in range(image.height()))


def test_a_status_has_glyph_word_and_colour(show: Show) -> None:
    with_mark = painted(show, StatusCell(), "to approve", {CellRole.MARK: Mark.WARN})
    without = painted(show, StatusCell(), "to approve", {})
    assert count(with_mark, "warn") > 30
    assert count(without, "warn") == 0


@pytest.mark.parametrize(("mark", "ground"), [(Mark.BAD, "bad_soft"), (Mark.WARN, "warn_soft"), (Mark.DONE, None)])
def test_in_a_matrix_only_what_is_not_well_stands_out(show: Show, mark: Mark, ground: str | None) -> None:
    image = painted(show, MarkCell(), "passed", {CellRole.MARK: mark})
    soft = {token: count(image, token) for token in ("ok_soft", "warn_soft", "bad_soft")}
    if ground is None:
        assert sum(soft.values()) == 0
    else:
        assert soft[ground] > image.width() * image.height() / 2


def test_progress_is_as_long_as_what_is_done(show: Show) -> None:
    half = count(painted(show, ProgressCell(), "50 %", {CellRole.PROGRESS: 0.5}), "accent")
    whole = count(painted(show, ProgressCell(), "100 %", {CellRole.PROGRESS: 1.0}), "accent")
    assert half == pytest.approx(whole / 2, rel=0.05)
    assert count(painted(show, ProgressCell(), "", {CellRole.PROGRESS: None}), "accent") == 0
    failed = painted(show, ProgressCell(), "30 %", {CellRole.PROGRESS: 0.3, CellRole.TONE: "bad"})
    assert count(failed, "bad") > 100


def test_a_latency_is_a_bar_with_whiskers_at_its_interval(show: Show) -> None:
    cell = LatencyCell()
    cell.set_longest(100)
    image = painted(show, cell, "50 ms", {CellRole.LATENCY: (50.0, 40.0, 60.0)})
    room = image.width() - 20
    text = Theme.current().colour("text").rgb()
    middle = image.height() // 2
    rows = range(middle - 6, middle + 6)
    whiskers = [x for x in range(image.width()) if any(image.pixel(x, y) == text for y in rows)]
    assert whiskers[0] == pytest.approx(10 + room * 0.4, abs=2)
    assert whiskers[-1] == pytest.approx(10 + room * 0.6, abs=2)
    assert count(painted(show, LatencyCell(), "", {CellRole.LATENCY: None}), "accent") == 0


class Matrix(QAbstractTableModel):
    """10,000 servers and twelve checks."""

    def rowCount(self, parent: object = None) -> int:  # noqa: N802
        return 10_000

    def columnCount(self, parent: object = None) -> int:  # noqa: N802
        return 14

    def data(self, index: QModelIndex, role: int = 0) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return f"srv-{index.row():05}"
        if role == CellRole.MARK:
            return list(Mark)[(index.row() + index.column()) % 5]
        return None


def test_a_screen_of_a_matrix_is_painted_and_fitted_in_no_time(show: Show) -> None:
    """Measured in processor time, which other work on the machine affects little."""
    table = DataTable("Matrix")
    for column in range(2, 14):
        table.set_cell(column, MarkCell())
    table.setModel(Matrix(table))
    show(table, 1280, 800)
    taken = []
    for turn in range(5):
        table.verticalScrollBar().setValue(turn * 1000)
        began = time.thread_time()
        table.viewport().grab()
        taken.append(time.thread_time() - began)
    assert sorted(taken)[2] < 0.05 * slowness(), f"a screen takes {sorted(taken)[2] * 1000:.0f} ms"
    began = time.thread_time()
    table.fit_columns()
    took = time.thread_time() - began
    assert took < 0.05 * slowness()


def test_a_badge_without_text_is_not_there(show: Show) -> None:
    assert count(painted(show, BadgeCell(), "nearest", {CellRole.TONE: "ok"}), "ok_soft") > 100
    assert count(painted(show, BadgeCell(), "", {CellRole.TONE: "ok"}), "ok_soft") == 0


def test_ids_lose_their_middle_and_prose_its_end(qapp: QApplication) -> None:
    assert TextCell(fixed=True)._elide is Qt.TextElideMode.ElideMiddle
    assert TextCell()._elide is Qt.TextElideMode.ElideRight
