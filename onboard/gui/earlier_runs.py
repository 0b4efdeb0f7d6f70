"""Runs from the journal: the profile's last run, an interrupted run, a run chosen from the list."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QMainWindow

from onboard.gui.commands import SHOW_RUN
from onboard.gui.dialogs import show_error
from onboard.gui.parts import name_parts
from onboard.gui.profile_files import ProfileFiles
from onboard.gui.runs_sheet import RunsSheet
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.model import orders
from onboard.model.changes import CHANGING
from onboard.model.errors import OnboardError
from onboard.model.events import KeptRun
from onboard.wizard.interrupted import interrupted, is_ending

ASK_AGAIN = 1_000  # milliseconds between reads of a run that another process is finishing


class EarlierRuns(QObject):
    found_interrupted = Signal()
    """The profile that was opened has a run to resume."""

    was_read = Signal()
    """The run that was chosen can be shown."""

    def __init__(self, session: Session, files: ProfileFiles, window: QMainWindow) -> None:
        super().__init__(window)
        self._session, self._files, self._window = session, files, window
        self._shows_run = False  # an earlier run is loading, to be shown on Finish
        self._opening = False  # a profile was opened, and its last run is loading
        self._ask_again = QTimer(self, singleShot=True, interval=ASK_AGAIN)
        self._ask_again.timeout.connect(self.ask)
        name_parts(ask_again=self._ask_again)

    def begin(self) -> None:
        """Show the last run of the opened profile."""
        self._opening = True
        self.ask()
        self._session.commands.show_run()

    @Slot()
    def ask(self) -> None:
        self._session.commands.run(orders.Runs())

    def states_changed(self, command: str) -> None:
        if command == "runs":
            self._look_for_interrupted()
        elif command == SHOW_RUN:
            self._look_at_read()

    def _look_for_interrupted(self) -> None:
        view = self._session.view
        if is_ending(view):
            self._ask_again.start()
        elif self._opening and view.state("runs").finished:
            self._opening = False
            if not view.state("apply").run and SHOW_RUN not in view.ordered:  # it was still running when last read
                self._session.commands.show_run()
            if interrupted(view):
                self.found_interrupted.emit()

    def _look_at_read(self) -> None:
        state = self._session.view.state(SHOW_RUN)
        if not self._shows_run or not state.finished:
            return
        self._shows_run = False
        if state.failure is None:
            self.was_read.emit()
        else:
            told = state.failure
            error = OnboardError(told.what, where=told.where, why=told.why, remedy=told.remedy)
            QTimer.singleShot(0, self, lambda: show_error(self._window, tr("The run cannot be shown"), error))

    @Slot()
    def choose(self) -> None:
        """List the earlier runs, and show the chosen one."""
        if self._session.view.running not in CHANGING:  # otherwise the list waits for it to end
            self.ask()
        sheet = RunsSheet(self._window, self._session)
        if sheet.exec() == RunsSheet.DialogCode.Accepted and sheet.chosen is not None:
            self.show(sheet.chosen)

    def show(self, run: KeptRun) -> None:
        """Show an earlier run on Finish as it ended, with its own profile."""
        path = Path(run.path) if run.path else None
        if path not in (None, self._session.view.path) and not self._files.open(path):
            return
        self._opening = False  # the user chose a run
        self._shows_run = True
        self._session.commands.show_run(run.run)

    def close(self) -> None:
        self._ask_again.stop()
