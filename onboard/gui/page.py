"""The base class of pages. The window owns Back, Next and the stage list; a page fills the rest."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from onboard.gui.session import Session


class Page(QWidget):
    """A stage's page. It edits the draft through the session and reads the session's view, and stores neither.

    A page overrides what it needs of `enter`, `draft_changed`, `states_changed`, `running_changed`.
    """

    footer_changed = Signal()
    """Emitted when the primary label or the command line changed for another reason than the draft or a State."""

    wished = Signal(object)
    """Emitted to have the window do this `Wish`."""

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
        """Return the minimum height. Otherwise the scroll area would give the page its preferred height."""
        return self.column.totalMinimumHeightForWidth(width)

    def enter(self) -> None:
        """Called when the page is shown: start loading what it needs, if that is not known yet."""

    def first_focus(self) -> QWidget | None:
        """Return the widget that gets the focus first; None for the first one that accepts it."""
        return None

    def opened(self) -> None:
        """Called for another profile: clear what was shown of the previous one. `draft_changed` follows."""

    def draft_changed(self) -> None:
        """Show the draft, which was edited here or elsewhere. Called once before the page is first shown."""

    def states_changed(self, command: str, hosts: set[str]) -> None:
        """Show new engine events; `hosts` are the servers concerned."""

    def running_changed(self) -> None:
        """A command began or ended."""

    def take_file(self, path: Path) -> None:
        """Take a file that was dropped on the window."""

    def command_line(self) -> str:
        """Return the command line that does what this page does; "" if there is none."""
        return ""

    def primary(self) -> bool:
        """Handle Enter or the primary button: do the page's task if it must be done before Next. False: go to Next."""
        return False

    def primary_label(self) -> str:
        """Return the primary button's text while `primary` has something to do; "" for the usual "Next: …"."""
        return ""

    def cancel(self) -> bool:
        """Handle Esc: stop what this page runs. Return False if it runs nothing."""
        return False
