"""Region: every Region with its distance, on a map and in a table, and the recommended one."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from onboard.gui.models.regions import ORIGINS, Column, RegionsModel, Row, tip
from onboard.gui.page import Page
from onboard.gui.parts import name_parts
from onboard.gui.regions import words
from onboard.gui.regions.card import RegionCard
from onboard.gui.regions.server_choice import ServerChoice
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import CARD_GAP, S4, Theme
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.bar_cells import LatencyCell
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.cells import BadgeCell, TextCell
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.map_key import MapKey
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.world_map import Spot, WorldMap
from onboard.model import orders
from onboard.model.profile import MeasuredSection
from onboard.model.region_evidence import with_evidence
from onboard.wizard import regions

PROPOSED = 3  # servers that are ticked when nobody has chosen any
LEAST_ROWS = 3


class RegionPage(Page):
    stage = "region"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        lead = tr(
            "Time to open a connection to Systems Manager in each Region. Your servers will use the chosen Region "
            "permanently, so their distance to it matters most."
        )
        self._error = ErrorPanel()
        self._trouble = Banner(Mark.WARN, "")
        self._trouble.hide()
        self._model = RegionsModel(self)
        self.map = WorldMap()
        self.map.picked.connect(self._map_picked)
        self._key = MapKey()
        self.card = RegionCard()
        self.card.measure.connect(self._measure)
        self.card.choose_servers.connect(self._choose_servers)
        self.card.use.connect(self._use)
        self.card.cancelled.connect(lambda: self.session.orders.stop_now("regions"))
        self.table = self._make_table()
        mapped = Card()
        mapped.body.setContentsMargins(S4, S4, S4, S4)
        mapped.body.addWidget(self.map, 1)
        mapped.body.addWidget(self._key)
        row = QHBoxLayout()
        row.setSpacing(CARD_GAP)
        row.addWidget(mapped, 2)
        row.addWidget(self.card, 1)
        name_parts(error=self._error, trouble=self._trouble, regions=self.table)
        self.column.addWidget(PageHeader(tr("Nearest Region"), lead))
        self.column.addWidget(self._error)
        self.column.addWidget(self._trouble)
        self.column.addLayout(row)
        self.column.addWidget(self.table, 1)
        self.column.addSpacing(CARD_GAP)

    def _make_table(self) -> DataTable:
        table = DataTable(tr("Regions"), sortable=False)
        self._bar = LatencyCell()
        self._bar.gives = True
        cells = {
            Column.NAME: TextCell(gives=False),
            Column.ID: TextCell(fixed=True, gives=False),
            Column.MEDIAN: TextCell(number=True),
            Column.SPREAD: TextCell(number=True),
            Column.BAR: self._bar,
            Column.SAMPLES: TextCell(number=True),
            Column.REMARK: BadgeCell(),
            Column.USE: BadgeCell(),
            **{column: TextCell(number=True) for column in ORIGINS},
        }
        for column, cell in cells.items():
            table.set_cell(column, cell)
        table.setModel(self._model)
        self._model.modelReset.connect(self._fit)
        table.setMinimumHeight(Theme.current().row_height() * (LEAST_ROWS + 1))
        table.picked.connect(self._table_picked)
        # Keep the selection visible when the card next to the map grows.
        table.verticalScrollBar().rangeChanged.connect(lambda: table.scrollTo(table.currentIndex()))
        return table

    # What changes

    def draft_changed(self) -> None:
        self._show()

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command in ("regions", "account"):
            self._keep_evidence()
            self._show()

    def running_changed(self) -> None:
        self._show()

    def _keep_evidence(self) -> None:
        """Put a new measurement into the profile at once if a Region is chosen, otherwise when one is chosen."""
        view = self.session.view
        if view.draft.region.name and not regions.is_measuring(view):
            self.session.editor.edit(with_evidence(view.draft, view.state("regions")))

    # What the user does

    def first_focus(self) -> QWidget:
        return self.table

    def primary_label(self) -> str:
        selected = self._selected()
        if self._primary() == "use" and selected is not None:
            return tr("&Use {place}", place=regions.short_name(selected.region))
        return tr("&Measure") if self._primary() == "measure" else ""

    def primary(self) -> bool:
        todo = self._primary()
        if todo == "use":
            self._use()
        elif todo == "measure":
            self._measure()
        return bool(todo)

    def _primary(self) -> str:
        """Return what is left to do before Next: "measure", then "use", then nothing."""
        view = self.session.view
        if view.draft.region.name or regions.is_measuring(view):
            return ""
        return "use" if self._selected() is not None else "measure"

    def cancel(self) -> bool:
        measuring = regions.is_measuring(self.session.view)
        if measuring:
            self.session.orders.stop_now("regions")
        return measuring

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter uses the selected Region. On the Region in use it goes to the next page, as on every page."""
        selected = self._selected()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and selected is not None and not selected.chosen and (self.table.hasFocus() or self.map.hasFocus()):
            self._use()
            return
        super().keyPressEvent(event)

    @Slot()
    def _measure(self) -> None:
        self.measure_from(regions.measured_from(self.session.view))

    def measure_from(self, servers: tuple[str, ...]) -> None:
        self.session.commands.run(orders.Regions(servers=tuple(servers)))
        self._show()

    @Slot()
    def _choose_servers(self) -> None:
        view = self.session.view
        able = regions.able_to_measure(view)
        ticked = regions.measured_from(view) or regions.one_of_each_kind(able, PROPOSED)
        sheet = ServerChoice(self, able, ticked)
        sheet.accepted.connect(lambda: self.measure_from(sheet.chosen))
        sheet.open()

    @Slot()
    def _use(self) -> None:
        selected = self._selected()
        if selected is not None:
            self.session.editor.edit(regions.with_region(self.session.view, selected.region))

    @Slot(str)
    def _map_picked(self, region: str) -> None:
        self.table.select_key(region)

    @Slot()
    def _table_picked(self) -> None:
        selected = self._selected()
        self.map.select(selected.region if selected else "")
        self._show_card()
        self.footer_changed.emit()

    def _selected(self) -> Row | None:
        """Return the current row if it is selected. A table that gets the focus makes its first row current."""
        index = self.table.currentIndex()
        return self._model.rows[index.row()] if self.table.selectionModel().isSelected(index) else None

    # What is shown

    def _show(self) -> None:
        view = self.session.view
        self._model.show(view)
        self._bar.set_longest(self._model.longest())
        self.table.viewport().update()
        spots = _spots(self._model.rows)
        self.map.set_spots(spots)
        self._key.show_for(spots)
        self._select_something(view.draft.region.name, regions.known(view))
        self._show_trouble()
        self._show_card()

    @Slot()
    def _fit(self) -> None:
        for place, column in enumerate(ORIGINS):
            self.table.setColumnHidden(column, place >= len(self._model.others))
        self.table.fit_columns()

    def _select_something(self, chosen: str | None, evidence: MeasuredSection | None) -> None:
        """Select the Region in use, or the recommended one, unless the user has selected a Region."""
        wanted = chosen or (evidence.recommended if evidence else None)
        if wanted and self._selected() is None:
            self.table.select_key(wanted)

    def _show_trouble(self) -> None:
        view = self.session.view
        failure = view.state("regions").failure
        self._error.show_failure(failure)
        what, more = words.troubles(view)
        self._trouble.show_notice(Mark.WARN, what, more)
        self._trouble.setVisible(bool(what) and failure is None)

    def _show_card(self) -> None:
        self.card.show_view(self.session.view, self._selected(), primary=self._primary())


def _spots(rows: tuple[Row, ...]) -> list[Spot]:
    """The rows that are on the map."""
    return [
        Spot(
            key=row.region,
            latitude=place.latitude,
            longitude=place.longitude,
            nearness=row.nearness,
            label=_label(row, place.place),
            tip=tip(row),
            chosen=row.chosen,
            nearest=row.nearest,
        )
        for row in rows
        if (place := regions.places().get(row.region)) is not None
    ]


def _label(row: Row, place: str) -> str:
    return place if row.median is None else tr("{place} {ms}", place=place, ms=words.ms_text(row.median))
