"""The pages of the window, one shown at a time."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QStackedWidget

from onboard.gui.page import Page
from onboard.gui.pages.catalog import page_class
from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.widgets.scrolled import Scrolled
from onboard.wizard.stages import STAGES

BETWEEN_STEPS = 20  # milliseconds for the event loop between the steps of creating pages in advance


class PageStack(QStackedWidget):
    """Creates pages when they are first needed and, after `make_ahead`, one by one in advance."""

    made = Signal(object)
    """Emitted with a new page after it has been brought up to date."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._pages: dict[str, Page] = {}
        self._frames: dict[str, Scrolled] = {}
        self._read = ""  # the stage whose page module was imported last, before the page is created
        self._ahead = QTimer(self, interval=BETWEEN_STEPS)
        self._ahead.timeout.connect(self._make_one)
        name_parts(pages=self, ahead=self._ahead)

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages that exist."""
        return tuple(self._pages.values())

    def page_of(self, stage: str) -> Page:
        if stage not in self._pages:
            page = self._pages[stage] = page_class(stage)(self._session)
            frame = self._frames[stage] = Scrolled(page)
            frame.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
            self.addWidget(frame)
            page.draft_changed()
            page.running_changed()
            for command, state in list(self._session.view.states.items()):
                page.states_changed(command, set(state.hosts))
            self.made.emit(page)
        return self._pages[stage]

    def show_page(self, stage: str) -> Page:
        page = self.page_of(stage)
        self.setCurrentWidget(self._frames[stage])
        return page

    def make_ahead(self) -> None:
        self._ahead.start()

    def make_no_more(self) -> None:
        """Stop creating pages in advance."""
        self._ahead.stop()

    @Slot()
    def _make_one(self) -> None:
        if self._session.view.running:
            return  # events of the engine come first
        left = next((stage.name for stage in STAGES if stage.name not in self._pages), None)
        if left is None:
            self._ahead.stop()
        elif left != self._read:  # importing and creating it takes too long for one turn of the event loop
            self._read = left
            page_class(left)
        else:
            self.page_of(left)
