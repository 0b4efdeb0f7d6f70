"""The page Network: one way out of three, and what each of them needs."""

from collections.abc import Callable, Iterator

import pytest
from parts import part
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QRadioButton
from session_feed import without_child

from onboard.gui.fields import value_of
from onboard.gui.pages.network import ENDPOINTS, INTERNET, PROXY, NetworkPage
from onboard.gui.session import Session
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.stage_list import StageList
from onboard.gui.window import Window
from onboard.model.profile import EndpointOverrides, NetworkSection, Profile
from onboard.wizard import stages
from onboard.wizard.stages import Standing

PRIVATE = Profile(network=NetworkSection(endpoints=EndpointOverrides(ssm="https://vpce-1.ssm.example.com")))
PROXIED = Profile(network=NetworkSection(proxy="http://proxy.example:3128"))


@pytest.fixture
def page(theme: object, show: Callable[..., None]) -> Iterator[NetworkPage]:
    session = Session()
    one = NetworkPage(session)
    session.editor.draft_changed.connect(one.draft_changed)
    session.editor.use(PROXIED, PROXIED, None)
    show(one, 1000, 700)
    yield one
    session.close()
    session.deleteLater()


def chosen(page: NetworkPage) -> list[str]:
    return [button.objectName() for button in page.findChildren(QRadioButton) if button.isChecked()]


def test_the_profile_says_which_way_is_chosen_and_what_it_needs(page: NetworkPage) -> None:
    assert chosen(page) == [PROXY]
    assert part(page, "proxy-card", Card).isVisible()
    assert not part(page, "endpoints-card", Card).isVisible()


def test_a_way_is_chosen_by_a_click_anywhere_on_its_card(page: NetworkPage) -> None:
    card = part(page, f"way-{ENDPOINTS}", Card)
    QTest.mouseClick(card, Qt.MouseButton.LeftButton, pos=QPoint(card.width() - 20, card.height() - 10))
    assert chosen(page) == [ENDPOINTS]
    assert part(page, "endpoints-card", Card).isVisible()
    assert page.session.view.draft.network.proxy is None
    QTest.mouseClick(part(page, f"way-{INTERNET}", Card), Qt.MouseButton.RightButton)
    assert chosen(page) == [ENDPOINTS]


def test_what_is_no_proxy_stays_typed_and_is_told_at_its_field(page: NetworkPage) -> None:
    proxy = line(page, "Proxy URL")
    proxy.setFocus()
    proxy.selectAll()
    QTest.keyClicks(proxy, "http://ada:hunter2@proxy.example:3128")
    QTest.keyClick(proxy, Qt.Key.Key_Return)
    assert proxy.property("invalid") == "true"
    assert "secrets are never stored in a profile" in proxy.accessibleDescription()
    assert page.session.view.draft.network.proxy == "http://proxy.example:3128"


def test_what_was_typed_comes_back_with_its_way(page: NetworkPage) -> None:
    for way in (ENDPOINTS, INTERNET, PROXY):
        next(button for button in page.findChildren(QRadioButton) if button.objectName() == way).click()
        assert (page.session.view.draft.network.proxy is not None) == (way == PROXY)
    assert page.session.view.draft == PROXIED
    page.opened()
    page.session.editor.use(Profile(), Profile(), None)
    next(button for button in page.findChildren(QRadioButton) if button.objectName() == PROXY).click()
    assert page.session.view.draft == Profile(), "nothing of a former profile"


def choose(page: NetworkPage, way: str) -> None:
    next(button for button in page.findChildren(QRadioButton) if button.objectName() == way).click()


def line(page: NetworkPage, name: str) -> QLineEdit:
    return next(one for one in page.findChildren(QLineEdit) if one.accessibleName() == name)


def write(field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def standing(page: NetworkPage) -> Standing:
    return stages.standing(stages.BY_NAME["network"], page.session.view)


def test_a_proxy_without_its_url_is_not_accepted_and_the_endpoints_stay(page: NetworkPage) -> None:
    page.opened()
    page.session.editor.use(PRIVATE, PRIVATE, None)
    choose(page, PROXY)
    url = line(page, "Proxy URL")
    assert url.isVisible()
    assert url.property("invalid") == "true"
    assert url.accessibleDescription() == "Enter the proxy's URL, such as http://proxy.example:3128."
    assert standing(page) == Standing(stages.Mark.ATTENTION, url.accessibleDescription().rstrip("."))
    assert page.session.view.draft == PRIVATE

    write(line(page, "Without proxy"), "10.0.0.5")
    write(url, "no url")
    page.session.editor.put("activation.name", "web")
    assert chosen(page) == [PROXY], "another edit does not take the choice back"
    assert page.session.view.draft.network == PRIVATE.network
    assert standing(page).mark is stages.Mark.ATTENTION

    write(url, "http://proxy.example:3128")
    accepted = NetworkSection(proxy="http://proxy.example:3128", no_proxy=("10.0.0.5",))
    assert page.session.view.draft.network == accepted
    assert url.property("invalid") == "false"
    assert not page.session.view.mistakes
    choose(page, ENDPOINTS)
    assert page.session.view.draft.network == PRIVATE.network, "they come back with their way"


def test_another_way_takes_back_a_proxy_that_was_not_accepted(page: NetworkPage) -> None:
    page.opened()
    page.session.editor.use(PRIVATE, PRIVATE, None)
    choose(page, PROXY)
    choose(page, ENDPOINTS)
    assert page.session.view.draft == PRIVATE
    assert not page.session.view.mistakes
    choose(page, PROXY)
    choose(page, INTERNET)
    assert page.session.view.draft == Profile()
    assert not page.session.view.mistakes


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("Proxy URL", "network.proxy", "http://proxy.example:3128"),
        ("Package from", "agent.source", "https://mirror.example/agent"),
        ("Version", "agent.version", "3.3.4851.0"),
    ],
)
def test_to_empty_a_field_that_is_needed_deletes_nothing(page: NetworkPage, name: str, key: str, value: str) -> None:
    page.session.editor.put(key, value)
    write(line(page, name), "")
    assert value_of(page.session.view.draft, key) == value
    assert line(page, name).property("invalid") == "true"
    assert line(page, name).accessibleDescription().startswith("Enter ")
    assert standing(page).mark is stages.Mark.ATTENTION
    write(line(page, name), value)
    assert not page.session.view.mistakes


def test_next_does_not_leave_a_proxy_without_its_url(theme: object, show: Callable[..., None]) -> None:
    session = Session()
    without_child(session)
    window = Window(session)
    show(window, 1280, 800)
    session.editor.use(PRIVATE, PRIVATE, None)
    window.visit("network")
    page = window.page
    assert isinstance(page, NetworkPage)
    choose(page, PROXY)
    window.forward()
    assert window.current.name == "network"
    assert line(page, "Proxy URL").hasFocus()
    window.visit("start")
    listed = window.findChild(StageList)
    assert isinstance(listed, StageList)
    drawn = {one.name: one.mark for one in map(listed.stage, range(len(stages.STAGES)))}
    assert drawn["network"] is Mark.WARN
    session.editor.use(PRIVATE, PRIVATE, None)
    window.close()
    session.close()
    session.deleteLater()
