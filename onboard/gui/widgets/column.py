"""A vertical layout that keeps its items together at the top."""

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QVBoxLayout


class Column(QVBoxLayout):
    """Leaves spare height empty at the bottom; QVBoxLayout would spread it over labels and gaps."""

    def setGeometry(self, rect: QRect) -> None:  # noqa: N802 - Qt's name
        taken = QRect(rect)
        if not self.expandingDirections() & Qt.Orientation.Vertical:
            needed = self.heightForWidth(rect.width()) if self.hasHeightForWidth() else self.sizeHint().height()
            taken.setHeight(min(rect.height(), needed))
        super().setGeometry(taken)
