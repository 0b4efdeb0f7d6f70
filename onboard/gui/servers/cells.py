"""Cells that are edited in place: an editor as high as its row, and the profile's credentials to choose from."""

from PySide6.QtWidgets import QComboBox, QLineEdit, QStyleOptionViewItem, QWidget

from onboard.gui.index import Index
from onboard.gui.servers.sheet import credential_box
from onboard.gui.session import Session
from onboard.gui.widgets.cells import StatusCell


class EditedCell(StatusCell):
    """A text, with a glyph when the input is invalid."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: N802
        return _in_cell(QLineEdit(parent))

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: N802
        """Extend the editor over the next cells where its own is too narrow to type in."""
        place, whole = option.rect, editor.parentWidget()
        room = whole.width() - place.x() if whole is not None else place.width()
        place.setWidth(max(place.width(), min(editor.sizeHint().width(), room)))
        editor.setGeometry(place)


class CredentialCell(EditedCell):
    def __init__(self, session: Session) -> None:
        super().__init__(gives=False)
        self._session = session

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: N802
        box = credential_box(self._session.view.draft, str(index.data()))
        box.setParent(parent)
        return _in_cell(box)

    def setModelData(self, editor: QWidget, _: object, index: Index) -> None:  # noqa: N802
        if isinstance(editor, QComboBox):
            model = index.model()
            model.setData(model.index(index.row(), index.column()), editor.currentText())


def _in_cell(editor: QWidget) -> QWidget:
    editor.setProperty("place", "cell")
    return editor
