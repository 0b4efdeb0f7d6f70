"""The look in one place: colours, type and spacing, from resources/styles/tokens.json and app.qss.

A window makes one `Theme`, which is the application's from then on and which anybody finds with `Theme.current()`.
Colours are asked for when painting and never kept, so that a change of theme needs a repaint and nothing else.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QFontMetrics, QPalette
from PySide6.QtWidgets import QApplication

from onboard import resources

# Spacing, in logical pixels. There are no others.
S4, S8, S12, S16, S24 = 4, 8, 12, 16, 24
PAGE_MARGIN = S24
CARD_GAP = S16
CONTROL_RADIUS = 6
CARD_RADIUS = 8
FOCUS_RING = 2

ROW_HEIGHT = 30  # of a table's row at 100 %
GLYPH = 1.1  # side of a glyph, as a multiple of the text's ascent
ROW_CLEARANCE = 8  # what a row adds to its text's height when the user's font is large

SMALLEST_TEXT, LARGEST_TEXT = 1.0, 2.0


class Scheme(StrEnum):
    """The user's choice of colours."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Role(StrEnum):
    """What a text is for; sizes are relative to the application's font, so that the user's own size wins."""

    CAPTION = "caption"
    BODY = "body"
    STRONG = "strong"
    SECTION = "section"
    TITLE = "title"
    TABLE = "table"  # as body, figures of equal width
    FIXED = "fixed"  # addresses, ids, commands, evidence


SIZES = {
    Role.CAPTION: 0.92,
    Role.BODY: 1.0,
    Role.STRONG: 1.0,
    Role.SECTION: 1.15,
    Role.TITLE: 1.55,
    Role.TABLE: 1.0,
    Role.FIXED: 0.92,
}
SEMI_BOLD = (Role.STRONG, Role.SECTION, Role.TITLE)


def tokens() -> dict[str, dict[str, str]]:
    """scheme ("light", "dark") → name → #RRGGBB."""
    loaded: dict[str, dict[str, str]] = json.loads(resources.text("styles/tokens.json"))
    return loaded


class Theme(QObject):
    """The application's colours and fonts. `changed` is emitted when widgets have to be repainted."""

    changed = Signal()

    _current: "Theme | None" = None

    def __init__(self, app: QApplication, *, scheme: Scheme = Scheme.SYSTEM, text_scale: float = 1.0) -> None:
        super().__init__(app)
        self._app = app
        self._base = QFont(app.font())
        self._base_points = QFontInfo(self._base).pointSizeF()
        self._tokens = tokens()
        self._scheme = scheme
        self._text_scale = _within(text_scale)
        self._colours: dict[str, QColor] = {}
        self._fonts: dict[Role, QFont] = {}
        self._row_height = ROW_HEIGHT
        self._glyph_size = 0
        Theme._current = self
        app.setStyle("Fusion")
        self._ask_for_scheme()
        self.apply()
        app.styleHints().colorSchemeChanged.connect(self._follow_system)

    @staticmethod
    def current() -> "Theme":
        """Return the application's theme. Raises RuntimeError if no window has created it yet."""
        if Theme._current is None:
            raise RuntimeError("no theme: make Theme(app) after QApplication")
        return Theme._current

    @property
    def scheme(self) -> Scheme:
        return self._scheme

    @property
    def text_scale(self) -> float:
        """1.0 to 2.0, of the application's font."""
        return self._text_scale

    @property
    def is_dark(self) -> bool:
        if self._scheme is Scheme.SYSTEM:
            return self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark
        return self._scheme is Scheme.DARK

    def set_scheme(self, scheme: Scheme) -> None:
        if scheme is not self._scheme:
            self._scheme = scheme
            self._ask_for_scheme()
            self.apply()

    def set_text_scale(self, scale: float) -> None:
        if _within(scale) != self._text_scale:
            self._text_scale = _within(scale)
            self.apply()

    def colour(self, name: str) -> QColor:
        """Return the colour of a token. Raises KeyError for an unknown name."""
        return self._colours[name]

    def font(self, role: Role) -> QFont:
        return self._fonts[role]

    def row_height(self) -> int:
        """Of a table's row, in logical pixels: 30 at 100 %, more where the text needs it."""
        return self._row_height

    def scaled(self, pixels: int) -> int:
        """Return a length scaled with the text."""
        return round(pixels * self._text_scale)

    def glyph_size(self) -> int:
        """Return the side of a glyph next to body text, in logical pixels."""
        return self._glyph_size

    def apply(self) -> None:
        """Set the application's palette, font and style sheet."""
        self._colours = {
            name: QColor(value) for name, value in self._tokens["dark" if self.is_dark else "light"].items()
        }
        self._fonts = {role: self._make_font(role) for role in Role}
        metrics = QFontMetrics(self._fonts[Role.BODY])
        self._row_height = max(self.scaled(ROW_HEIGHT), metrics.height() + ROW_CLEARANCE)
        self._glyph_size = round(metrics.ascent() * GLYPH)
        self._app.setPalette(self._palette())
        self._app.setFont(self._fonts[Role.BODY])
        self._app.setStyleSheet(self._style_sheet())
        self.changed.emit()

    def _ask_for_scheme(self) -> None:
        """Ask the system to use the scheme for window frames and native dialogs, where it can."""
        asked = {Scheme.LIGHT: Qt.ColorScheme.Light, Scheme.DARK: Qt.ColorScheme.Dark}
        self._app.styleHints().setColorScheme(asked.get(self._scheme, Qt.ColorScheme.Unknown))

    def _follow_system(self) -> None:
        if self._scheme is Scheme.SYSTEM:
            self.apply()

    def _make_font(self, role: Role) -> QFont:
        font = QFont(self._base)
        if role is Role.FIXED:
            font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(self._base_points * SIZES[role] * self._text_scale)
        if role in SEMI_BOLD:
            font.setWeight(QFont.Weight.DemiBold)
        if role is Role.TABLE:
            font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def _palette(self) -> QPalette:
        palette = QPalette()
        roles = QPalette.ColorRole
        for role, name in (
            (roles.Window, "window"),
            (roles.WindowText, "text"),
            (roles.Base, "surface"),
            (roles.AlternateBase, "raised"),
            (roles.Text, "text"),
            (roles.PlaceholderText, "muted"),
            (roles.Button, "surface"),
            (roles.ButtonText, "text"),
            (roles.BrightText, "bad"),
            (roles.Highlight, "accent"),
            (roles.HighlightedText, "on_accent"),
            (roles.Accent, "accent"),
            (roles.Link, "accent"),
            (roles.LinkVisited, "accent"),
            (roles.ToolTipBase, "raised"),
            (roles.ToolTipText, "text"),
            (roles.Light, "surface"),
            (roles.Midlight, "raised"),
            (roles.Mid, "border"),
            (roles.Dark, "border"),
            (roles.Shadow, "border"),
        ):
            palette.setColor(role, self.colour(name))
        for role in (roles.WindowText, roles.Text, roles.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.colour("muted"))
        palette.setColor(QPalette.ColorGroup.Disabled, roles.Base, self.colour("raised"))
        return palette

    def _style_sheet(self) -> str:
        values: dict[str, str] = {name: colour.name() for name, colour in self._colours.items()}
        values |= {f"{role}_pt": f"{self._fonts[role].pointSizeF():.2f}pt" for role in Role}
        values |= {
            "fixed_family": f'"{self._fonts[Role.FIXED].family()}"',
            "control_radius": f"{CONTROL_RADIUS}px",
            "card_radius": f"{CARD_RADIUS}px",
            "row": f"{self._row_height}px",
            "field": f"{self._row_height}px",
            "glyph": f"{self.glyph_size()}px",
            "small_glyph": f"{round(self.glyph_size() * 0.7)}px",
            "radio_radius": f"{(self.glyph_size() + 2) // 2}px",
            "images": Path(str(resources.resource("styles"))).as_posix(),
            "scheme": "dark" if self.is_dark else "light",
        }
        return fill(resources.text("styles/app.qss"), values)


def fill(sheet: str, values: Mapping[str, str]) -> str:
    """Return the style sheet with each `@name` replaced. Raises KeyError if a name has no value."""
    return re.sub(r"@([a-z_]+)", lambda match: values[match[1]], sheet)


def _within(scale: float) -> float:
    return min(max(scale, SMALLEST_TEXT), LARGEST_TEXT)
