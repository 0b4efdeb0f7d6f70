"""A page with fields of the draft, and what AWS says of what they decide before anything is made of them."""

from PySide6.QtWidgets import QWidget

from onboard.gui.asking_page import AskingPage
from onboard.gui.fields import Fields
from onboard.gui.session import Session
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.status_line import StatusLine


class PreviewPage(AskingPage):
    """Such a page places `form` and `status`, too, binds its `fields`, and says in `status` what was answered."""

    command = "preview"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.form = KeyValueForm()
        self.fields = Fields(session, self.form)
        self.status = StatusLine()

    def opened(self) -> None:
        self.fields.forget()

    def draft_changed(self) -> None:
        self.fields.show()
        super().draft_changed()
