"""Item data roles that models provide in addition to DisplayRole, which has the full text because it is copied."""

from enum import IntEnum

from PySide6.QtCore import Qt


class CellRole(IntEnum):
    """Item data roles that cells read.

    KEY       the stable identity of the row (any hashable value), from any column: the selection follows it
    TONE      the colour token for the text, the bar or the badge: "muted", "ok", "warn", "bad", "accent"
    MARK      the `Mark` of a StatusCell or MarkCell; None for none
    PROGRESS  of a ProgressCell: 0.0 to 1.0; None for no bar
    LATENCY   of a LatencyCell: (median, low, high) in ms; None if there was no answer
    STRONG    True if the text is the row's name and is emphasised
    """

    KEY = Qt.ItemDataRole.UserRole + 1
    TONE = Qt.ItemDataRole.UserRole + 2
    MARK = Qt.ItemDataRole.UserRole + 3
    PROGRESS = Qt.ItemDataRole.UserRole + 4
    LATENCY = Qt.ItemDataRole.UserRole + 5
    STRONG = Qt.ItemDataRole.UserRole + 6
