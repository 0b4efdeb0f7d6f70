"""The card next to the map: the nearest Region, the reasons, and the actions."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from onboard.gui.models.regions import Row
from onboard.gui.parts import name_parts
from onboard.gui.regions import words
from onboard.gui.text import tr
from onboard.gui.theme import S8, Role
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.flow import Flow
from onboard.gui.widgets.label import Glyph, Label
from onboard.gui.widgets.mark import Mark
from onboard.wizard.regions import is_measuring, known, short_name
from onboard.wizard.view import View


class RegionCard(Card):
    """`measure`, `choose_servers`, `use` and `cancelled` are emitted when the button is pressed."""

    measure = Signal()
    choose_servers = Signal()
    use = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setAccessibleName(tr("Recommendation"))
        self._caption = Label(tone="muted")
        self._place = Label(role=Role.TITLE, wrap=True, selectable=True)
        self._region = Label(role=Role.FIXED, tone="muted", selectable=True)
        self._medians = Label(role=Role.STRONG, wrap=True, selectable=True)
        self._reasons = Label(tone="muted", wrap=True, selectable=True)
        self._warning = Label(tone="warn", wrap=True, selectable=True)
        self._warned = QWidget()
        self._selection = Label(wrap=True)
        self.measure_button = Button(tr("&Measure"))
        self.measure_button.clicked.connect(self.measure)
        self.use_button = Button(tr("&Use this Region"))
        self.use_button.clicked.connect(self.use)
        self.servers_button = Button(tr("From other &servers…"), kind=Kind.LINK)
        self.servers_button.clicked.connect(self.choose_servers)
        self.busy = BusyIndicator(keeps_place=False)  # shown in place of the buttons
        self.busy.cancelled.connect(self.cancelled)
        name_parts(place=self._place, medians=self._medians, reasons=self._reasons, warning=self._warning)
        self._lay_out()

    def _lay_out(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(S8)
        title.addWidget(self._place)
        title.addWidget(self._region, 1, Qt.AlignmentFlag.AlignBottom)
        warned = QHBoxLayout(self._warned)
        warned.setContentsMargins(0, 0, 0, 0)
        warned.setSpacing(S8)
        glyph = Glyph(Mark.WARN.glyph, Mark.WARN.tone, word=tr("Warning"))
        warned.addWidget(glyph, 0, Qt.AlignmentFlag.AlignTop)
        warned.addWidget(self._warning, 1)
        self._buttons = QWidget()
        flow = Flow(S8, self._buttons)
        for button in (self.use_button, self.measure_button, self.servers_button):
            flow.addWidget(button)
        self.body.addWidget(self._caption)
        self.body.addLayout(title)
        for widget in (self._medians, self._reasons, self._warned, self._selection, self._buttons, self.busy):
            self.body.addWidget(widget)

    def show_view(self, view: View, selected: Row | None, *, primary: str) -> None:
        """`selected`: the selected row; `primary`: what the window's primary button does now.

        `primary` is "measure", "use" or "". The card does not offer the same action again.
        """
        evidence, measuring = known(view), is_measuring(view)
        best = evidence.recommended if evidence else None
        self._caption.setText(_caption(view, best))
        self._place.setText(short_name(best) if best else _instead(view))
        self._region.setText(best or "")
        self._region.setVisible(bool(best))
        self._medians.setText(words.medians(view))
        self._reasons.setText(words.reasons(view) if best else _advice(view))
        warning = words.warnings(view)
        self._warning.setText(warning)
        self._warned.setVisible(bool(warning))
        self._medians.setVisible(bool(best))
        offered = selected is not None and not selected.chosen and primary != "use"
        self._selection.setText(_selected(selected) if selected and offered else "")
        self._selection.setVisible(offered)
        self.use_button.setVisible(offered)
        self.measure_button.setText(tr("&Measure again") if best or view.state("regions").failure else tr("&Measure"))
        self.measure_button.setVisible(primary != "measure")
        self.servers_button.setVisible(bool(view.draft.hosts))
        self._buttons.setVisible(not measuring)
        self._show_progress(view, measuring)

    def _show_progress(self, view: View, measuring: bool) -> None:
        if not measuring:
            self.busy.stop()
            return
        if not self.busy.is_busy:
            self.busy.start(tr("Measuring"))
        state = view.state("regions")
        origins = 1 + len(state.hosts)
        total = max((sampled.total for sampled in state.sampled.values()), default=1)
        done = sum(min(sampled.done, total) for sampled in state.sampled.values())
        self.busy.set_progress(done, total * origins)


def _caption(view: View, best: str | None) -> str:
    if best is None:
        return tr("Nearest Region")
    return tr("Recommended, and in use") if best == view.draft.region.name else tr("Recommended")


def _instead(view: View) -> str:
    """Return the text that is shown when no Region is recommended."""
    if is_measuring(view):
        return tr("Measuring")
    return tr("No Region answered") if view.state("regions").failure else tr("Not measured yet")


def _advice(view: View) -> str:
    if is_measuring(view):
        return tr(
            "At least 10 connections to each Region, in turn, so that noise on the line affects all of them equally."
        )
    if view.state("regions").failure:
        return tr(
            "Measure again when the cause is fixed. You can also choose a Region by hand: select it and press Enter."
        )
    return tr(
        "Measuring opens a few hundred connections to the Regions' endpoints and takes about 3 seconds. Nothing is "
        "sent, and no account is needed. You can also choose a Region by hand: select it and press Enter."
    )


def _selected(row: Row) -> str:
    if row.median is None:
        return tr("Selected: {name}", name=row.name)
    return tr("Selected: {name}, {ms}", name=row.name, ms=words.ms_text(row.median))
