"""The theme: readable in both schemes, defined in one place, and followed by everything on screen."""

import re
from collections.abc import Callable

import pytest
from contrast import contrast
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QPlainTextEdit, QSpinBox, QVBoxLayout, QWidget

from onboard import resources
from onboard.gui import icons
from onboard.gui.theme import (
    SIZES,
    Role,
    Scheme,
    Theme,
    fill,
    tokens,
)
from onboard.gui.widgets.label import Label

READABLE = 4.5  # WCAG 2.2, level AA, text of normal size
VISIBLE = 3.0  # level AA, non-text: the focus ring

# Every background of text: each text colour is compared with each of them.
GROUNDS = ("window", "surface", "raised", "accent_soft", "ok_soft", "warn_soft", "bad_soft", "idle_soft")
TEXT_COLOURS = ("text", "muted", "accent", "ok", "warn", "bad", "idle")
OTHER_PAIRS = (("on_accent", "accent"), ("text", "border"))  # primary button; pressed button
PAIRS = [*((text, ground) for text in TEXT_COLOURS for ground in GROUNDS), *OTHER_PAIRS]
NO_TEXT = {"border"}  # colours that are neither text nor a background of text, except in OTHER_PAIRS


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast(QColor("#000000"), QColor("#FFFFFF")) == pytest.approx(21)
    assert contrast(QColor("#FFFFFF"), QColor("#777777")) == pytest.approx(4.48, abs=0.005)
    assert contrast(QColor("#777777"), QColor("#777777")) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_on_every_ground(scheme: str) -> None:
    colours = tokens()[scheme]
    poor = {
        pair: round(contrast(QColor(colours[pair[0]]), QColor(colours[pair[1]])), 2)
        for pair in PAIRS
        if contrast(QColor(colours[pair[0]]), QColor(colours[pair[1]])) < READABLE
    }
    assert not poor


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_ring_is_seen_on_every_ground(scheme: str) -> None:
    colours = tokens()[scheme]
    for ground in GROUNDS:
        assert contrast(QColor(colours["accent"]), QColor(colours[ground])) >= VISIBLE


def test_every_token_is_covered() -> None:
    light, dark = tokens()["light"], tokens()["dark"]
    assert light.keys() == dark.keys()
    assert set(light) == {*TEXT_COLOURS, *GROUNDS, "on_accent"} | NO_TEXT
    assert all(re.fullmatch("#[0-9A-F]{6}", value) for value in (*light.values(), *dark.values()))


def test_the_style_sheet_uses_only_pairs_that_are_held_to_be_readable() -> None:
    sheet = resources.text("styles/app.qss")
    used = set()
    for rule in re.findall(r"\{([^}]*)\}", sheet):
        text = re.search(r"(?<![-\w])color: @(\w+)", rule)
        ground = re.search(r"(?<!-)background: @(\w+)", rule)
        chosen = re.search(r"selection-color: @(\w+)", rule)
        chosen_ground = re.search(r"selection-background-color: @(\w+)", rule)
        for pair in ((text, ground), (chosen, chosen_ground)):
            if pair[0] and pair[1]:
                used.add((pair[0][1], pair[1][1]))
    assert len(used) > 5
    assert used <= set(PAIRS)


def test_the_style_sheet_has_no_colour_and_no_text_size_of_its_own() -> None:
    sheet = resources.text("styles/app.qss")
    assert not re.search(r"#[0-9A-Fa-f]{3,8}\b", sheet)
    assert not re.search(r"font-size:\s*[0-9]", sheet)


def test_a_name_without_a_value_is_refused() -> None:
    assert fill("a { color: @text; }", {"text": "#123456"}) == "a { color: #123456; }"
    with pytest.raises(KeyError, match="unheard_of"):
        fill("a { color: @unheard_of; }", {})


def test_the_palette_follows_the_scheme(qapp: QApplication, theme: Theme) -> None:
    for scheme in (Scheme.DARK, Scheme.LIGHT):
        theme.set_scheme(scheme)
        assert theme.is_dark == (scheme is Scheme.DARK)
        expected = tokens()[scheme.value]
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(expected["window"])
        assert qapp.palette().color(QPalette.ColorRole.Text) == QColor(expected["text"])
        assert expected["accent"].lower() in qapp.styleSheet()


def test_the_system_is_followed_unless_a_scheme_was_chosen(theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Qt.ColorScheme.Dark
    hints = QApplication.styleHints()

    class Hints:
        def colorScheme(self) -> Qt.ColorScheme:  # noqa: N802 - Qt's name
            return said

        def setColorScheme(self, scheme: Qt.ColorScheme) -> None:  # noqa: N802
            pass

    monkeypatch.setattr(QApplication, "styleHints", lambda *_: Hints())
    theme.set_scheme(Scheme.SYSTEM)
    assert theme.colour("window") == QColor(tokens()["dark"]["window"])
    said = Qt.ColorScheme.Light
    hints.colorSchemeChanged.emit(said)
    assert theme.colour("window") == QColor(tokens()["light"]["window"])
    theme.set_scheme(Scheme.LIGHT)
    said = Qt.ColorScheme.Dark
    hints.colorSchemeChanged.emit(said)
    assert theme.colour("window") == QColor(tokens()["light"]["window"])


def test_changed_is_said_once_for_each_change(theme: Theme) -> None:
    heard = []
    listening = theme.changed.connect(lambda: heard.append(theme.is_dark))
    theme.set_scheme(Scheme.DARK)
    theme.set_scheme(Scheme.DARK)
    theme.set_text_scale(1.5)
    theme.changed.disconnect(listening)
    assert heard == [True, True]


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_text_is_relative_to_the_application_font(qapp: QApplication, theme: Theme, scale: float) -> None:
    theme.set_text_scale(1.0)
    base = QFontInfo(qapp.font()).pointSizeF()
    theme.set_text_scale(scale)
    for role, size in SIZES.items():
        assert theme.font(role).pointSizeF() == pytest.approx(base * size * scale, rel=0.01)
    assert qapp.font().pointSizeF() == pytest.approx(base * scale, rel=0.01)
    assert theme.row_height() >= 30 * scale


def test_text_scale_has_limits(theme: Theme) -> None:
    theme.set_text_scale(5)
    assert theme.text_scale == 2
    theme.set_text_scale(0.1)
    assert theme.text_scale == 1


def test_labels_grow_with_the_text_that_is_on_screen(theme: Theme, show: Callable[..., None]) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    labels = {role: Label("Frankfurt", role=role) for role in (Role.BODY, Role.SECTION, Role.TITLE, Role.FIXED)}
    for label in labels.values():
        column.addWidget(label)
    show(window)
    before = {role: label.sizeHint().height() for role, label in labels.items()}
    assert before[Role.TITLE] > before[Role.SECTION] > before[Role.BODY]
    theme.set_text_scale(2)
    for role, label in labels.items():
        assert label.sizeHint().height() == pytest.approx(before[role] * 2, rel=0.15), role


def test_tables_have_figures_of_equal_width(theme: Theme) -> None:
    font = theme.font(Role.TABLE)
    assert [tag.toString() for tag in font.featureTags()] == [b"tnum"]


ICONS = sorted(
    file.name.removesuffix(".svg") for file in resources.resource("icons").iterdir() if file.name.endswith(".svg")
)


@pytest.mark.parametrize("name", [name for name in ICONS if name != "app"])
def test_an_icon_is_drawn_in_the_one_colour_it_is_given(qapp: QApplication, name: str) -> None:
    colour = QColor("#1F5FBF")
    for ratio in (1.0, 2.0):
        drawn = icons.pixmap(name, colour, 16, ratio)
        assert drawn.width() == 16 * ratio
        assert drawn.devicePixelRatio() == ratio
        image = drawn.toImage()
        dots = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
        full = [dot for dot in dots if dot.alpha() == 255]
        assert any(dot.alpha() > 128 for dot in dots), "nothing is drawn"
        assert all(abs(dot.blue() - 0xBF) < 8 and abs(dot.red() - 0x1F) < 8 for dot in full)
    assert icons.pixmap(name, colour, 16, 1.0).cacheKey() == icons.pixmap(name, colour, 16, 1.0).cacheKey()


@pytest.mark.parametrize("scheme", [Scheme.LIGHT, Scheme.DARK])
def test_what_is_suggested_in_an_empty_field_can_be_read(
    theme: Theme, show: Callable[..., None], scheme: Scheme
) -> None:
    theme.set_scheme(scheme)
    window, chosen = QWidget(), QComboBox()
    chosen.setEditable(True)
    column = QVBoxLayout(window)
    for field in (QLineEdit(), QPlainTextEdit(), chosen):
        column.addWidget(field)
    show(window)
    for field in (*window.findChildren(QLineEdit), *window.findChildren(QPlainTextEdit)):
        colour = field.palette().color(QPalette.ColorRole.PlaceholderText)
        assert colour.alpha() == 255
        assert contrast(colour, theme.colour("surface")) >= READABLE


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_fields_of_a_form_are_equally_high(theme: Theme, show: Callable[..., None], scale: float) -> None:
    theme.set_text_scale(scale)
    window = QWidget()
    column = QVBoxLayout(window)
    fields = (QLineEdit(), QSpinBox(), QComboBox())
    for field in fields:
        column.addWidget(field)
    show(window)
    heights = [field.sizeHint().height() for field in fields]
    assert max(heights) - min(heights) <= 1


def test_an_icon_of_no_such_name_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icons.pixmap("unheard-of", QColor("#000000"), 16, 1.0)


def test_the_program_has_an_icon_in_every_usual_size(qapp: QApplication) -> None:
    assert {size.width() for size in icons.app_icon().availableSizes()} == set(icons.APP_SIZES)
