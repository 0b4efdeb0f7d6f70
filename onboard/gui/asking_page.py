"""A page that shows what one command asked of AWS: it asks when first visited, waits visibly, and shows what failed."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from onboard.gui.page import Page
from onboard.gui.session import Session
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.model.state import State


class AskingPage(Page):
    """A page of this kind places `busy` and `error` where they belong, and says what it waits for and what it shows."""

    command = ""
    """What asks, a command of the engine."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.busy = BusyIndicator(keeps_place=False)
        self.busy.cancelled.connect(self.cancel)
        self.error = ErrorPanel()

    @property
    def is_asking(self) -> bool:
        return self.command in self.session.view.ordered

    def waits_for(self) -> str:
        """What is said while it asks."""
        raise NotImplementedError

    def is_answered(self, state: State) -> bool:
        """Whether what the command told answers for the draft as it is."""
        raise NotImplementedError

    def show_answer(self, state: State) -> None:
        """Show what the command has told so far."""
        raise NotImplementedError

    def enter(self) -> None:
        state = self.session.view.state(self.command)
        if not (self.is_answered(state) or state.failure is not None or self.is_asking):
            self.ask()
        self._show()

    def states_changed(self, command: str, hosts: set[str]) -> None:
        if command == self.command:
            self._show()

    def running_changed(self) -> None:
        if not self.is_asking:
            self.busy.stop()
        elif not self.busy.is_busy:
            self.busy.start(self.waits_for())

    @Slot()
    def cancel(self) -> bool:
        asking = self.is_asking
        if asking:
            self.session.give_up(self.command)
        return asking

    @Slot()
    def ask(self) -> None:
        self.session.run(self.command)

    def _show(self) -> None:
        state = self.session.view.state(self.command)
        self.error.show_failure(state.failure)
        self.show_answer(state)
