"""Table of the Regions, the nearest first: what is known about each, during a measurement and afterwards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.text import plural, tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.world_map import TONES
from onboard.model.events import THIS_COMPUTER, Region
from onboard.wizard.regions import Nearness, is_measuring, known, nearness_of, places, places_offered
from onboard.wizard.view import View

MOST_ORIGINS = 9  # this computer, and the most servers that measure at one time
COMPARED = 8  # the bars' scale fits this many nearest Regions; for those much farther away, it does not matter how far
LONGEST_ORIGIN = 22  # characters of a server's name in the header


class Column(IntEnum):
    """From FIRST_ORIGIN on: one column for each further origin besides the one whose figures decide."""

    NAME = 0
    ID = 1
    MEDIAN = 2
    SPREAD = 3
    BAR = 4
    FIRST_ORIGIN = 5
    REMARK = FIRST_ORIGIN + MOST_ORIGINS
    USE = REMARK + 1
    SAMPLES = USE + 1


ORIGINS = range(Column.FIRST_ORIGIN, Column.REMARK)


@dataclass(frozen=True, slots=True)
class Row:
    """A Region as shown. Times are in ms, None if unknown."""

    region: str
    name: str
    median: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    samples: int = 0
    lost: int = 0
    error: str = ""
    others: tuple[float | None, ...] = ()
    nearest: bool = False
    tied: bool = False
    lossy: bool = False
    enabled: bool | None = None
    chosen: bool = False

    @property
    def nearness(self) -> Nearness:
        if self.median is not None:
            return nearness_of(self.median)
        return Nearness.SILENT if self.lost or self.error else Nearness.UNKNOWN


class RegionsModel(QAbstractTableModel):
    """`show` updates it from a view. Rows stay in place during a measurement and move once, at its end."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self._origin = THIS_COMPUTER
        self._others: tuple[str, ...] = ()

    def show(self, view: View) -> None:
        origin, others = _origins(view)
        shown = tuple(_row(region, view, others) for region in self._order(view))
        same_places = [row.region for row in shown] == [row.region for row in self._rows]
        if same_places and (origin, others) == (self._origin, self._others):
            changed = [number for number, row in enumerate(shown) if row != self._rows[number]]
            self._rows = shown
            if changed:
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], Column.SAMPLES))
                self.headerDataChanged.emit(Qt.Orientation.Horizontal, Column.MEDIAN, Column.BAR)
            return
        self.beginResetModel()
        self._rows, self._origin, self._others = shown, origin, others
        self.endResetModel()

    def _order(self, view: View) -> Sequence[str]:
        offered = [place.region for place in places_offered(view)]
        ranking, evidence = view.state("regions").ranking, known(view)
        if ranking is not None:
            return ranking.order
        before = [row.region for row in self._rows]
        if is_measuring(view) and set(before) == set(offered):
            return before
        medians = evidence.medians if evidence else {}
        return sorted(offered, key=lambda region: medians.get(region, float("inf")))

    # What is shown

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    @property
    def others(self) -> tuple[str, ...]:
        """The origins that have their own column."""
        return self._others

    def row(self, region: str) -> Row | None:
        return next((row for row in self._rows if row.region == region), None)

    def longest(self) -> int:
        """The ms that the full width of a bar represents: a round figure at which the nearest can be distinguished."""
        medians = sorted(row.median for row in self._rows if row.median is not None)[:COMPARED]
        longest = 2 * medians[-1] if medians else 0.0
        return next((step for step in (10, 25, 50, 100, 250, 500) if longest <= step), 1000)

    # QAbstractTableModel

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else Column.SAMPLES + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._header(section)
        return self._header_tip(section) if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self._rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _text(row, column)
            case Qt.ItemDataRole.ToolTipRole:
                return tip(row)
            case CellRole.KEY:
                return row.region
            case CellRole.STRONG:
                return column == Column.NAME and row.chosen
            case CellRole.LATENCY if row.median is not None:
                return row.median, row.low or row.median, row.high or row.median
            case CellRole.TONE:
                return _tone(row, column)
        return None

    def _header(self, section: int) -> str:
        if section in ORIGINS:
            place = section - Column.FIRST_ORIGIN
            return tr("from {place}", place=_shortened(self._others[place])) if place < len(self._others) else ""
        if section == Column.MEDIAN and self._origin != THIS_COMPUTER:
            if ", " in self._origin:
                return tr("ms from servers")
            return tr("ms from {place}", place=_shortened(self._origin))
        return {
            Column.NAME: tr("Region"),
            Column.MEDIAN: tr("median ms"),
            Column.SPREAD: tr("spread"),
            Column.BAR: tr("0 to {n} ms", n=self.longest()) if self._is_measured() else "",
            Column.SAMPLES: tr("samples"),
        }.get(Column(section), "")

    def _header_tip(self, section: int) -> str:
        if section in ORIGINS:
            place = section - Column.FIRST_ORIGIN
            return self._others[place] if place < len(self._others) else ""
        return {
            Column.MEDIAN: tr("Median time to connect, from {origin}", origin=self._origin),
            Column.SPREAD: tr("Interquartile range: the middle half of the samples lies within this many ms"),
            Column.BAR: tr("The median and its 95 % confidence interval"),
        }.get(Column(section), "")

    def _is_measured(self) -> bool:
        return any(row.median is not None for row in self._rows)


def _origins(view: View) -> tuple[str, tuple[str, ...]]:
    """The origin whose figures are shown as the median, and the other origins."""
    state, evidence = view.state("regions"), known(view)
    if state.ranking is not None:
        measured = {one.origin for region in state.regions.values() for one in region.measured}
        others = measured - {state.ranking.origin} if len(measured) > 1 else set()
        origin = state.ranking.origin
    elif is_measuring(view):
        origin, others = THIS_COMPUTER, set(state.hosts)
    else:
        origin, others = evidence.origin if evidence else THIS_COMPUTER, set()
    order = [THIS_COMPUTER, *(host.name for host in view.draft.hosts)] if others else []
    return origin, tuple(name for name in order if name in others)[:MOST_ORIGINS]


def _row(region: str, view: View, others: Iterable[str]) -> Row:
    state = view.state("regions")
    place = places().get(region)
    row = Row(region, place.name if place else region, chosen=region == view.draft.region.name)
    found = state.regions.get(region)
    if found is not None:
        return _measured(row, found, others)
    if is_measuring(view):
        sampled = [state.sampled.get(origin) for origin in (THIS_COMPUTER, *others)]
        median, *rest = (one.medians.get(region) if one else None for one in sampled)
        return replace(row, median=median, others=tuple(rest))
    evidence = known(view)
    if evidence is None:
        return row
    return replace(
        row,
        median=evidence.medians.get(region),
        nearest=region == evidence.recommended,
        tied=region in evidence.ties,
    )


def _measured(row: Row, found: Region, others: Iterable[str]) -> Row:
    medians = {one.origin: one.median_ms for one in found.measured}
    return replace(
        row,
        name=found.long_name or row.name,
        median=found.median_ms,
        low=found.low_ms,
        high=found.high_ms,
        spread=found.spread_ms,
        samples=found.samples,
        lost=found.lost,
        error=found.error,
        others=tuple(medians.get(origin) for origin in others),
        nearest=found.recommended,
        tied=found.tied,
        lossy=found.lossy,
        enabled=found.enabled,
    )


def _text(row: Row, column: int) -> str:
    if column in ORIGINS:
        place = column - Column.FIRST_ORIGIN
        return number(row.others[place]) if place < len(row.others) else ""
    match Column(column):
        case Column.NAME:
            mapped = places().get(row.region)
            return mapped.place if mapped else row.name
        case Column.ID:
            return row.region
        case Column.MEDIAN:
            return number(row.median)
        case Column.SPREAD:
            return number(row.spread)
        case Column.BAR:  # what is painted, in words, for copying and for screen readers
            return tr("{low} to {high}", low=number(row.low), high=number(row.high)) if row.low is not None else ""
        case Column.SAMPLES:
            if row.lost:
                return tr("{n} of {tried}", n=row.samples, tried=row.samples + row.lost)
            return str(row.samples) if row.samples else ""
        case Column.REMARK:
            return _remark(row)[0]
        case Column.USE:
            return _use(row)[0]
    return ""


def _tone(row: Row, column: int) -> str:
    match column:
        case Column.NAME | Column.MEDIAN:
            return "text"
        case Column.BAR:
            return TONES[row.nearness]
        case Column.REMARK:
            return _remark(row)[1]
        case Column.USE:
            return _use(row)[1]
    return "muted"


def _remark(row: Row) -> tuple[str, str]:
    """How the Region compares with the others, and the tone for it."""
    if row.nearest:
        return tr("nearest"), "ok"
    if row.tied:
        return tr("tie"), "ok"
    if row.nearness is Nearness.SILENT:
        return tr("no answer"), "bad"
    return (tr("loses connections"), "warn") if row.lossy else ("", "idle")


def _use(row: Row) -> tuple[str, str]:
    """Whether the Region is chosen and may be used, and the tone for it."""
    if row.enabled is False:
        return (tr("in use, not enabled"), "warn") if row.chosen else (tr("not enabled"), "idle")
    return (tr("in use"), "accent") if row.chosen else ("", "idle")


def number(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.1f}"


def tip(row: Row) -> str:
    """Everything known about a Region, one fact per line."""
    remarks = ", ".join(filter(None, (_remark(row)[0], _use(row)[0])))
    lines = [f"{row.name}, {row.region}", remarks, row.error]
    if row.median is None:
        lines.append("" if row.error or row.lost else tr("Not measured yet"))
    elif row.low is None:
        lines.append(tr("{n} ms", n=number(row.median)))
    else:
        lines.append(
            tr(
                "{n} ms; the median lies between {low} and {high} ms with 95 % confidence",
                n=number(row.median),
                low=number(row.low),
                high=number(row.high),
            )
        )
    if row.samples or row.lost:
        lines.append(plural("{n} sample, {lost} lost", "{n} samples, {lost} lost", row.samples, lost=row.lost))
    if row.enabled:
        lines.append(tr("Enabled in this account"))
    return "\n".join(filter(None, lines))


def _shortened(name: str) -> str:
    """A server's name for the header: its first label, cut to fit."""
    label = name if name == THIS_COMPUTER else name.partition(".")[0]
    return label if len(label) <= LONGEST_ORIGIN else f"{label[: LONGEST_ORIGIN - 1]}…"
