"""A page with fields of the draft, and AWS's answer to what they would result in."""

from PySide6.QtWidgets import QWidget

from onboard.gui.asking_page import AskingPage
from onboard.gui.fields import Fields
from onboard.gui.session import Session
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.status_line import StatusLine


class PreviewPage(AskingPage):
    """A subclass also places `form` and `status`, binds its `fields`, and shows the answer in `status`."""

    command = "preview"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.form = KeyValueForm()
        self.fields = Fields(session.editor, self.form)
        self.status = StatusLine()

    def opened(self) -> None:
        self.fields.forget()

    def draft_changed(self) -> None:
        self.fields.show()
        super().draft_changed()
