"""Alt+letter activates its button: no two parts share a letter, which would only move the focus between them."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel
from session_feed import without_child

from onboard.gui.page import Page
from onboard.gui.pages.catalog import PAGES
from onboard.gui.session import Session
from onboard.gui.text import say
from onboard.gui.widgets.footer import Footer
from onboard.gui.window import Window
from onboard.wizard.step_words import fixes

# Never on the screen together, or, of two errors, the same in both.
APART = (
    {"&Copy", "&Cancel", "Set up &credentials…"},  # an error, what runs again after it, and what had to be said first
    {say(text) for fix in fixes().values() for text in (fix.allow, fix.forbid)},  # one button
    {"Res&ume"},  # a run that was interrupted, and one that failed
    {"Add &servers…", "Di&scard"},  # no servers, and something wrong typed about one
)


@pytest.fixture
def window(qapp: object) -> Iterator[Window]:
    session = Session()
    without_child(session)
    one = Window(session)
    yield one
    one.close()
    one.deleteLater()
    session.deleteLater()


def letter(text: str) -> str:
    found = re.search(r"&(\w)", text)
    return found[1].lower() if found else ""


def test_no_letter_is_taken_twice_on_a_page(window: Window) -> None:
    frame = [action.text() for action in window.menuBar().actions()]
    footer = [button.text() for button in window.findChildren(Footer)[0].findChildren(QAbstractButton)]
    copy = next(text for text in footer if text.startswith("Copy"))
    assert len(frame + footer) >= 7
    twice = []
    for name in PAGES:
        page = window.page_of(name)
        texts = defaultdict(set)
        buttons = [button.text() for button in page.findChildren(QAbstractButton)]
        if name == "checks":  # the button for a cause that can be fixed
            buttons += [text for fix in fixes().values() for text in (say(fix.allow), say(fix.forbid))]
        labels = [label.text() for label in page.findChildren(QLabel) if label.buddy()]
        for text in (*frame, *footer, *buttons, *labels):
            texts[letter(text)].add(text)
        if type(page).command_line is Page.command_line:
            texts[letter(copy)].discard(copy)
        taken = [found for key, found in texts.items() if key and len(found) > 1]
        twice += [(name, found) for found in taken if not any(found <= apart for apart in APART)]
    assert not twice
