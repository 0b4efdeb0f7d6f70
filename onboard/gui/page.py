"""What every page has in common. The window owns Back, Next and the stage list; a page fills what is between."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from onboard.gui.session import Session


class Page(QWidget):
    """A stage's page. It edits the draft through the session and reads the session's view, and keeps neither.

    A page overrides what it needs of `enter`, `draft_changed`, `states_changed`, `running_changed`.
    """

    footer_changed = Signal()
    """What `primary_label` or `command_line` say is another, and neither the draft nor a State changed."""

    wished = Signal(object)
    """The window is to do this `Wish`."""

    changes_servers = False
    """What `primary` does cannot be taken back by a word."""

    stage = ""
    """The name of its stage in `onboard.wizard.stages`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName(f"page-{self.stage}")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 24, 24, 0)
        self.column.setSpacing(16)

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """The least that it needs. The frame that it scrolls in would else give it all that it would like to have."""
        return self.column.totalMinimumHeightForWidth(width)

    def enter(self) -> None:
        """The page is shown: start what it needs to know, if that is not known yet."""

    def first_focus(self) -> QWidget | None:
        """Where the keyboard begins; None for the first that takes it."""
        return None

    def opened(self) -> None:
        """Another profile is there: forget what was shown of the former one. `draft_changed` follows."""

    def draft_changed(self) -> None:
        """The draft was edited, here or elsewhere: show it. Called once before the page is first shown."""

    def states_changed(self, command: str, hosts: set[str]) -> None:
        """The engine told something: `hosts` are the servers concerned."""

    def running_changed(self) -> None:
        """A command began or ended."""

    def take_file(self, path: Path) -> None:
        """A file was dropped for this page."""

    def command_line(self) -> str:
        """The command line that does what this page does; "" when there is none."""
        return ""

    def primary(self) -> bool:
        """Enter or the primary button: do what the page is for, if it must be done before going on. False: go on."""
        return False

    def primary_label(self) -> str:
        """What the primary button says when `primary` has something to do; "" for the usual "Next: …"."""
        return ""

    def cancel(self) -> bool:
        """Esc: stop what this page runs; False when it runs nothing."""
        return False
