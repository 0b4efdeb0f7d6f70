"""The window makes its pages one by one, and each of them knows what was told before it was made."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import scenes
from PySide6.QtWidgets import QStackedWidget
from session_feed import feed, tell, without_child

from onboard.gui import pages
from onboard.gui.pages.catalog import PAGES, page_class
from onboard.gui.pages.checks import ChecksPage
from onboard.gui.session import Session
from onboard.gui.window import Window
from onboard.wizard.stages import STAGES


@pytest.fixture
def session(qapp: object) -> Iterator[Session]:
    one = Session()
    without_child(one)
    yield one
    one.close()
    one.deleteLater()


def made(window: Window) -> int:
    return window.findChildren(QStackedWidget)[0].count()


def test_every_stage_has_its_page_and_every_file_of_pages_is_listed() -> None:
    assert list(PAGES) == [stage.name for stage in STAGES]
    assert [page_class(stage).stage for stage in PAGES] == list(PAGES)
    (folder,) = pages.__path__
    files = {path.stem for path in Path(folder).glob("*.py")} - {"__init__", "catalog"}
    assert {place.split(":")[0] for place in PAGES.values()} == files


def test_only_the_first_page_is_made_before_the_window_is_shown_and_the_others_after(
    session: Session, show: Callable[..., None], until: Callable[..., None]
) -> None:
    window = Window(session)
    assert made(window) == 1
    show(window, 1280, 800)
    until(lambda: made(window) == len(STAGES))
    window.close()


def test_a_page_that_is_made_late_knows_what_was_told(session: Session, show: Callable[..., None]) -> None:
    window = Window(session)
    session.recover(scenes.profile(), scenes.profile(), None)
    feed(session, "account", *scenes.account())
    feed(session, "check", *scenes.check())
    tell(session)
    assert made(window) == 1
    show(window, 1280, 800)
    window.visit("checks")
    page = window.page
    assert isinstance(page, ChecksPage)
    assert page.matrix.total == len(session.view.state("check").hosts) > 100
    window.close()


def test_nothing_is_made_any_more_once_the_window_is_closed(session: Session, show: Callable[..., None]) -> None:
    window = Window(session)
    show(window, 1280, 800)
    window.close()
    assert not window._ahead.isActive()
