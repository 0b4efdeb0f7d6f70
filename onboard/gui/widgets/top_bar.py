"""The line at the top: product, profile and whether it is edited, Practice, account and Region."""

import re

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from onboard.gui.text import tr
from onboard.gui.theme import S4, S8, S12, S16, Role, Theme
from onboard.gui.widgets.label import ElidedLabel, Label, Line

PRODUCT = "Onboard"


def account_text(account: str) -> str:
    """An account number in groups of four, as in the AWS console."""
    return "-".join(re.findall(r"\d{4}", account)) if re.fullmatch(r"\d{12}", account) else account


class Pill(QWidget):
    """A short text in a rounded frame."""

    def __init__(self, text: str, tone: str = "warn", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._tone = text, tone
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(Theme.current().font(Role.BODY))
        return QSize(metrics.horizontalAdvance(self._text) + 2 * S12, metrics.height() + S12 - 1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = Theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(self._tone), 1))
        painter.setBrush(theme.colour(f"{self._tone}_soft"))
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)


class TopBar(QFrame):
    """Shows values only; its owner sets them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "surface")
        self._product = Label(PRODUCT, role=Role.STRONG)
        self._profile = ElidedLabel(tone="muted", elide=Qt.TextElideMode.ElideMiddle)
        self._pill = Pill(tr("Practice: nothing here is real"))
        self._account = ElidedLabel(tone="muted")
        row = QHBoxLayout()
        row.setContentsMargins(S16, S8, S16, S8)
        row.setSpacing(S12)
        row.addWidget(self._product)
        row.addWidget(self._profile)
        row.addStretch()
        row.addWidget(self._pill)
        row.addWidget(self._account)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(Line())
        self._pill.hide()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_profile(self, name: str, *, edited: bool) -> None:
        """Set the profile's name; "" while it has none."""
        shown = name or tr("New profile")
        self._profile.setText(tr("{profile} — edited", profile=shown) if edited else shown)

    def set_practice(self, practice: bool) -> None:
        self._pill.setVisible(practice)

    def set_account(self, account: str, region: str) -> None:
        """Set account and Region; either is "" while unknown."""
        parts = [tr("Account {number}", number=account_text(account)) if account else "", region]
        self._account.setText(" · ".join(part for part in parts if part))

    def sizeHint(self) -> QSize:  # noqa: N802
        metrics = QFontMetrics(Theme.current().font(Role.BODY))
        return QSize(super().sizeHint().width(), metrics.height() + 2 * S12 + S4)
