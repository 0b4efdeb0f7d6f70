"""Table of the profiles in the AWS configuration."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from onboard.gui.index import NOWHERE, Index
from onboard.gui.text import tr
from onboard.gui.widgets.cell_role import CellRole
from onboard.model.events import AwsProfile


def kind_words(kind: str) -> str:
    words = {
        "keys": tr("access keys"),
        "sso": tr("single sign-on"),
        "assume-role": tr("assumed role"),
        "process": tr("external process"),
        "web-identity": tr("web identity"),
        "login": tr("console log-in"),
    }
    return words.get(kind, tr("other"))


class AwsProfilesModel(QAbstractTableModel):
    """The first row means boto3's own search order: environment variables, the default profile, and so on."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[AwsProfile, ...] = ()

    def show(self, profiles: Sequence[AwsProfile], default: str) -> None:
        detail = tr("profile {name}", name=default) if default else tr("environment variables, or none")
        automatic = AwsProfile(name="", kind="", region="", detail=detail)
        rows = (automatic, *profiles)
        if rows == self._rows:
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def name(self, row: int) -> str:
        return self._rows[row].name

    def rowCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:  # noqa: N802
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("AWS profile"), tr("Kind"), tr("More"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                name = row.name or tr("Same as the AWS CLI")
                return (name, kind_words(row.kind) if row.kind else "", row.detail or row.region)[index.column()]
            case CellRole.KEY:
                return row.name
            case CellRole.STRONG:
                return index.column() == 0
            case CellRole.TONE:
                return "" if index.column() == 0 else "muted"
        return None
