"""What a table's model says beside the text of a cell. Every model gives DisplayRole in full: it is what is copied."""

from enum import IntEnum

from PySide6.QtCore import Qt


class CellRole(IntEnum):
    """Item data roles that cells read.

    KEY       the row's name for as long as it lives (any hashable value), from any column: selection follows it
    TONE      name of a colour's token for the text, the bar or the badge: "muted", "ok", "warn", "bad", "accent"
    MARK      `Mark` of a StatusCell or MarkCell, None for nothing
    PROGRESS  of a ProgressCell: 0.0 to 1.0, None for no bar at all
    LATENCY   of a LatencyCell: (median, low, high) in ms, None when nothing answered
    STRONG    True where the text is the row's name and stands out
    """

    KEY = Qt.ItemDataRole.UserRole + 1
    TONE = Qt.ItemDataRole.UserRole + 2
    MARK = Qt.ItemDataRole.UserRole + 3
    PROGRESS = Qt.ItemDataRole.UserRole + 4
    LATENCY = Qt.ItemDataRole.UserRole + 5
    STRONG = Qt.ItemDataRole.UserRole + 6
