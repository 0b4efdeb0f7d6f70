"""Waiting, shown where it happens: at first nothing, then a sign, then the reason and Cancel, then the time left."""

import time
from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.text import plural, tr
from onboard.gui.theme import S4, S8
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.label import ElidedLabel, Glyph
from onboard.gui.widgets.progress_bar import ProgressBar

NOTICED = 0.3  # seconds until a sign of waiting is shown
LONG = 3.0  # until the reason and Cancel are shown
VERY_LONG = 10.0  # until the rate and the time left are shown
TICK = 1000  # ms between updates while waiting


def duration_text(seconds: float) -> str:
    """An approximate duration, in the largest unit that is not 0."""
    if seconds < 60:
        return plural("{n} second", "{n} seconds", max(round(seconds), 1))
    if seconds < 3600:
        return plural("{n} minute", "{n} minutes", round(seconds / 60))
    return plural("{n} hour", "{n} hours", round(seconds / 3600))


def rate_text(per_second: float) -> str:
    """A rate, in a unit in which it is at least 1 if possible."""
    if per_second >= 1:
        return tr("{n} a second", n=f"{per_second:,.0f}")
    return tr("{n} a minute", n=f"{per_second * 60:,.0f}")


class BusyIndicator(QWidget):
    """Use `start` and `stop`, and `set_progress` whenever there is news. No timer runs while nothing is waiting."""

    cancelled = Signal()

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        keeps_place: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`keeps_place`: reserve the space, so that nothing below jumps. False if the answer takes its place."""
        super().__init__(parent)
        self._clock = clock
        self._started: float | None = None
        self._text = ""
        self._why = ""
        self._cancellable = False
        self._done, self._total = 0, 0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.look)
        self._glyph = Glyph("clock", "muted")
        self._label = ElidedLabel(tone="muted")
        self._bar = ProgressBar()
        self._cancel = Button(tr("&Cancel"), small=True)
        self._cancel.clicked.connect(self._ask_to_stop)
        name_parts(bar=self._bar, cancel=self._cancel)
        row = QHBoxLayout()
        row.setSpacing(S8)
        row.addWidget(self._glyph)
        row.addWidget(self._label)
        row.addWidget(self._cancel)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S4)
        column.addLayout(row)
        column.addWidget(self._bar)
        _keep_place(self._bar)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        _keep_place(self, keep=keeps_place)
        self.hide()

    def start(self, text: str, *, cancellable: bool = True) -> None:
        """`text` says what is being waited for: "Asking AWS who you are"."""
        self._text, self._why, self._cancellable = text, "", cancellable
        self._done, self._total = 0, 0
        self._started = self._clock()
        self._cancel.setEnabled(True)
        _keep_place(self._cancel, keep=cancellable)
        self._timer.start(round(NOTICED * 1000))
        self.look()

    def set_progress(self, done: int, total: int) -> None:
        """So many of so many."""
        self._done, self._total = done, total
        self.look()

    def set_why(self, why: str) -> None:
        """Say why it takes so long; "" if there is nothing to say."""
        self._why = why
        self.look()

    def stop(self) -> None:
        self._started = None
        self._timer.stop()
        self.hide()

    @property
    def is_busy(self) -> bool:
        return self._started is not None

    @property
    def progress(self) -> tuple[int, int]:
        """So many of so many."""
        return self._done, self._total

    def text(self) -> str:
        """The text that is shown now."""
        return "" if self.isHidden() else self._label.text()

    def look(self) -> None:
        """Show what the elapsed time calls for."""
        if self._started is None:
            return
        waited = self._clock() - self._started
        if waited < NOTICED:
            self.setVisible(False)
            return
        self._label.setText(self._said(waited))
        self._bar.setVisible(waited >= LONG and self._total > 0)
        self._bar.set_fraction(self._done / self._total if self._total else 0.0)
        self._cancel.setVisible(self._cancellable and waited >= LONG)
        self.setVisible(True)
        if not self._timer.isActive():
            self._timer.start(TICK)

    def _said(self, waited: float) -> str:
        if waited < LONG:
            return tr("{text}…", text=self._text)
        parts = [tr("{text}…", text=self._text)]
        if self._total:
            parts.append(tr("{done} of {total}", done=f"{self._done:,}", total=f"{self._total:,}"))
        if waited >= VERY_LONG:
            if self._total and self._done:
                rate = self._done / waited
                left = duration_text((self._total - self._done) / rate)
                parts += [rate_text(rate), tr("about {time} left", time=left)]
            else:
                parts.append(tr("for {time}", time=duration_text(waited)))
        if self._why:
            parts.append(self._why)
        return " · ".join(parts)

    def _ask_to_stop(self) -> None:
        self._cancel.setEnabled(False)  # cancelling twice would change nothing
        self.cancelled.emit()


def _keep_place(part: QWidget, *, keep: bool = True) -> None:
    """Set whether the widget keeps its space while hidden."""
    policy = part.sizePolicy()
    policy.setRetainSizeWhenHidden(keep)
    part.setSizePolicy(policy)
