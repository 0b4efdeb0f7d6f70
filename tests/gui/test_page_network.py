"""The page Network: one way out of three, and what each of them needs."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from onboard.gui.pages.network import ENDPOINTS, INTERNET, PROXY, NetworkPage
from onboard.gui.session import Session
from onboard.model.profile import NetworkSection, Profile

PROXIED = Profile(network=NetworkSection(proxy="http://proxy.example:3128"))


@pytest.fixture
def page(theme: object, show: Callable[..., None]) -> Iterator[NetworkPage]:
    session = Session()
    one = NetworkPage(session)
    session.draft_changed.connect(one.draft_changed)
    session.recover(PROXIED, PROXIED, None)
    show(one, 1000, 700)
    yield one
    session.close()
    session.deleteLater()


def chosen(page: NetworkPage) -> list[str]:
    return [button.objectName() for button in page._choices.buttons() if button.isChecked()]


def test_the_profile_says_which_way_is_chosen_and_what_it_needs(page: NetworkPage) -> None:
    assert chosen(page) == [PROXY]
    assert page._proxy.isVisible()
    assert not page._endpoints.isVisible()


def test_a_way_is_chosen_by_a_click_anywhere_on_its_card(page: NetworkPage) -> None:
    card = page._cards[ENDPOINTS]
    QTest.mouseClick(card, Qt.MouseButton.LeftButton, pos=QPoint(card.width() - 20, card.height() - 10))
    assert chosen(page) == [ENDPOINTS]
    assert page._endpoints.isVisible()
    assert page.session.view.draft.network.proxy is None
    QTest.mouseClick(page._cards[INTERNET], Qt.MouseButton.RightButton)
    assert chosen(page) == [ENDPOINTS]


def test_what_is_no_proxy_stays_typed_and_is_told_at_its_field(page: NetworkPage) -> None:
    line = page._proxy_fields._form.editor("network.proxy")
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, "http://ada:hunter2@proxy.example:3128")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert line.property("invalid") == "true"
    assert "secrets are never stored in a profile" in line.accessibleDescription()
    assert page.session.view.draft.network.proxy == "http://proxy.example:3128"


def test_what_was_typed_comes_back_with_its_way(page: NetworkPage) -> None:
    for way in (ENDPOINTS, INTERNET, PROXY):
        next(button for button in page._choices.buttons() if button.objectName() == way).click()
        assert (page.session.view.draft.network.proxy is not None) == (way == PROXY)
    assert page.session.view.draft == PROXIED
    page.opened()
    page.session.recover(Profile(), Profile(), None)
    next(button for button in page._choices.buttons() if button.objectName() == PROXY).click()
    assert page.session.view.draft == Profile(), "nothing of a former profile"
