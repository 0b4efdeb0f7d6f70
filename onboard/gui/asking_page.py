"""A page that shows what one command asked of AWS: it asks when first visited, and by itself whenever what the answer
depends on has changed; it waits visibly, and shows what failed.
"""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from onboard.gui.page import Page
from onboard.gui.session import Session
from onboard.gui.text import say
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.model import orders
from onboard.model.profile import Profile
from onboard.model.state import State


class AskingPage(Page):
    """A subclass places `busy` and `error`, and says what the page waits for and what it shows."""

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
        """Return the text shown while the page asks."""
        raise NotImplementedError

    def is_answered(self, state: State) -> bool:
        """Return whether the command's State answers for the current draft."""
        raise NotImplementedError

    def depends_on(self, profile: Profile) -> object:
        """Return what else the answer depends on, apart from the sections whose change makes the session drop it."""
        return None

    def show_answer(self, state: State) -> None:
        """Show the command's State so far."""
        raise NotImplementedError

    def enter(self) -> None:
        if not self._holds():
            self.ask()
        self._show()

    def draft_changed(self) -> None:
        """Ask again if needed. A hidden page asks again only after a failure, which the change may have fixed."""
        view = self.session.view
        wanted = self.isVisible() or view.state(self.command).failure is not None
        if wanted and self.command in view.asked and not self._holds():
            self.ask()

    def _holds(self) -> bool:
        """Return whether the answer, or the question under way, is for the current draft."""
        view = self.session.view
        asked, state = view.asked.get(self.command, view.draft), view.state(self.command)
        if self.depends_on(asked) != self.depends_on(view.draft):
            return False
        return self.is_answered(state) or state.failure is not None or self.is_asking

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
            self.session.commands.give_up(self.command)
        return asking

    @Slot()
    def ask(self) -> None:
        self.session.commands.run(orders.ORDERS[self.command]())

    def _show(self) -> None:
        state = self.session.view.state(self.command)
        self.error.show_failure(state.failure)
        self.busy.set_why(say(state.waiting or ""))
        self.show_answer(state)
