"""Progress of a run: its wave, the number of servers done, the time left."""

import time

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout

from onboard.gui.install.words import wave_words
from onboard.gui.models.host_table import ALL
from onboard.gui.models.rollout import RolloutModel
from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import say, tr
from onboard.gui.theme import S4, Role
from onboard.gui.widgets.busy_indicator import duration_text, rate_text
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.label import ElidedLabel, Label
from onboard.gui.widgets.progress_bar import ProgressBar
from onboard.wizard.progress import Group
from onboard.wizard.shown_run import ShownRun
from onboard.wizard.view import EMPTY

TICK = 1000  # ms between updates of the rate during a run


class ProgressCard(Card):
    def __init__(self, session: Session, model: RolloutModel) -> None:
        super().__init__()
        self._session, self._model = session, model
        self._wave = Label(role=Role.STRONG)
        self._more = ElidedLabel(tone="muted")
        self._figures = Label(role=Role.TABLE, tone="muted")
        self._bar = ProgressBar()
        name_parts(wave=self._wave, wave_more=self._more, figures=self._figures, bar=self._bar)
        row = QHBoxLayout()
        row.setSpacing(S4)
        row.addWidget(self._wave)
        row.addWidget(self._more)
        row.addStretch()
        row.addWidget(self._figures)
        self.body.addLayout(row)
        self.body.addWidget(self._bar)
        self._tick = QTimer(self, interval=TICK)
        self._tick.timeout.connect(self.refresh)

    def set_ticking(self, ticking: bool) -> None:
        """Return whether the rate changes even without new events."""
        self._tick.start() if ticking else self._tick.stop()

    @Slot()
    def refresh(self) -> None:
        shown, counts = ShownRun(self._session.view), self._model.counts
        what, more = wave_words(shown, counts)
        self._wave.setText(what)
        more = say(shown.state.waiting or "") or more
        self._more.setText(f"· {more}" if more else "")
        if shown.undo is not EMPTY:
            self._figures.setText("")
            self._bar.set_fraction(0.0, "ok")  # Finish shows the progress of an undo
            return
        total, running = counts[ALL], shown.is_running
        settled = total - counts[Group.RUNNING] - counts[Group.WAITING]
        figures = [tr("{done} of {total}", done=f"{settled:,}", total=f"{total:,}"), *_pace(shown)]
        self._figures.setText(" · ".join(figures))
        done = settled if running else counts[Group.ONLINE]
        self._bar.set_fraction(done / total if total else 0.0, "accent" if running else "ok")


def _pace(shown: ShownRun) -> list[str]:
    """Return servers a minute and the time left, once they can be estimated."""
    now = time.monotonic()
    rate, left = shown.progress.rate(now), shown.progress.seconds_left(now)
    if not shown.is_running or shown.view.held or not rate or left is None:
        return []
    return [rate_text(rate), tr("about {time} left", time=duration_text(left))]
