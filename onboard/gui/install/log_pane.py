"""The log of a run's servers, line by line, and why the selected server failed."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.text import plural, say, tr
from onboard.gui.theme import S8, S12, S16, Role, Theme
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.label import ElidedLabel, Label
from onboard.gui.widgets.log_view import LogView
from onboard.model.outcome import troubles
from onboard.model.state import HostState
from onboard.wizard.log import Log

LOG_LINES = 6  # shown at least


class LogPane(QWidget):
    all_wanted = Signal()
    """Emitted to show the log of all servers instead of the selected ones."""

    def __init__(self) -> None:
        super().__init__()
        self._log_of = Log()
        self._told = 0  # number of lines written
        self.log = LogView(tr("Log"))
        self.log.setPlaceholderText(tr("The log shows what happens on each server."))
        self._whose = ElidedLabel(tone="muted", elide=Qt.TextElideMode.ElideMiddle)
        self._all = Button(tr("Show &all servers"), kind=Kind.LINK, small=True)
        self._all.clicked.connect(self.all_wanted)
        self._reason = ErrorPanel()
        name_parts(log=self.log, log_of_all=self._all, reason=self._reason)
        title = QHBoxLayout()
        title.setSpacing(S8)
        title.addWidget(Label(tr("Log"), role=Role.STRONG))
        title.addWidget(self._whose)
        title.addWidget(self._all)
        title.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, S12, 0, 0)
        column.setSpacing(S8)
        column.addWidget(self._reason)
        column.addLayout(title)
        column.addWidget(self.log, 1)
        Theme.current().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        line = QFontMetrics(Theme.current().font(Role.FIXED)).lineSpacing()
        self.log.setMinimumHeight(line * LOG_LINES + S16)

    def show_servers(self, names: Sequence[str], failed: HostState | None) -> bool:
        """Show the lines of these servers, or of all if `names` is empty, and why the selected server `failed`.

        Return True when the reason appears and takes room from the table above.
        """
        self.log.show_servers(names)
        whose = names[0] if len(names) == 1 else plural("{n} server", "{n} servers", len(names))
        self._whose.setText(whose if names else tr("all servers"))
        self._all.setVisible(bool(names))
        wrong = troubles(failed) if failed is not None else ()
        if failed is None or not wrong:
            self._reason.clear()
            return False
        appears = not self._reason.isVisible()
        worst = wrong[0].words
        self._reason.show_error(say(worst.sentence), where=failed.name, why=failed.evidence, remedy=worst.remedy)
        return appears

    def follow(self, log: Log) -> None:
        """Append the new lines, or write everything again when the log is a different one."""
        if log is not self._log_of:
            self._log_of, self._told = log, 0
            self.log.clear_lines()
        self.log.append(log.since(self._told))
        self._told = log.told
