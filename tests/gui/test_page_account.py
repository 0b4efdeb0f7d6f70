"""The page Account says why AWS did not answer, and asks again by itself once the draft has changed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import scenes
from gui.conftest import settle
from session_feed import feed, tell, without_child

from onboard.gui.session import Session
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.footer import Footer
from onboard.gui.window import Window
from onboard.model import events
from onboard.model.errors import Problem
from onboard.model.profile import Profile

NO_REGION = events.RunFailed(
    kind="profile",
    what="1 mistake found",
    problems=(Problem("region.name", "there is no Region 'xx-1'", "The nearest is eu-west-1"),),
)
ENDED = events.RunFinished(run="", hosts={})
Orders = list[Mapping[str, Any]]


@pytest.fixture
def orders(session: Session) -> Orders:
    return without_child(session)


@pytest.fixture
def window(session: Session, orders: Orders, show: Callable[..., None]) -> Iterator[Window]:
    """A new profile on the page Account, for which AWS has been queried."""
    one = Window(session)
    show(one, 1280, 800)
    session.editor.new()
    one.visit("account")
    yield one
    session.editor.use(Profile(), Profile(), None)
    one.close()


def asked(orders: Orders, command: str = "account") -> list[Any]:
    """The Region of each order of the command."""
    return [order["profile"]["region"]["name"] for order in orders if order["do"] == command]


def test_the_mistake_and_its_remedy_are_on_the_card_and_in_the_footer(window: Window, session: Session) -> None:
    feed(session, "account", NO_REGION, ENDED)
    tell(session)
    window.visit("account")
    assert window.page.error.copied_text() == "region.name: there is no Region 'xx-1'\nThe nearest is eu-west-1"
    assert window.page.error.isVisible()
    footer = window.findChild(Footer)
    assert isinstance(footer, Footer)
    assert footer.message() == "There is no Region 'xx-1'"


def test_a_silent_aws_is_named_where_the_page_waits(
    window: Window, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboard.gui.widgets.busy_indicator.NOTICED", 0.0)
    monkeypatch.setattr("onboard.gui.widgets.busy_indicator.LONG", 0.0)
    feed(session, "account", events.Noted.of("Waiting for AWS: sts:GetCallerIdentity", waiting=True))
    tell(session)
    assert "Waiting for AWS: sts:GetCallerIdentity" in window.page.busy.text()
    feed(session, "account", ENDED)
    tell(session)
    assert window.page.busy.text() == ""


def test_a_failure_is_asked_about_again_when_the_region_changes_and_nobody_is_on_the_page(
    window: Window, session: Session, orders: Orders
) -> None:
    feed(session, "account", NO_REGION, ENDED)
    window.visit("region")
    session.editor.put("activation.name", "other")
    assert asked(orders) == [None], "the answer does not depend on it"
    session.editor.put("region.name", "eu-west-1")
    assert asked(orders) == [None, "eu-west-1"]
    assert session.view.state("account").failure is None
    feed(session, "account", *scenes.account(), ENDED)
    tell(session)
    window.visit("account")
    assert not window.page.error.isVisible()
    assert asked(orders) == [None, "eu-west-1"]


def test_an_answer_is_asked_for_again_when_the_page_is_visited_with_another_region(
    window: Window, session: Session, orders: Orders
) -> None:
    feed(session, "account", *scenes.account(), ENDED)
    window.visit("region")
    session.editor.put("region.name", "eu-west-1")
    assert asked(orders) == [None], "who we are is the same, and a code of an MFA device is not asked for in passing"
    assert session.view.state("account").account is not None
    window.visit("account")
    assert asked(orders) == [None, "eu-west-1"]
    feed(session, "account", *scenes.account(), ENDED)
    window.visit("region")
    window.visit("account")
    assert asked(orders) == [None, "eu-west-1"]


def test_what_changes_while_the_page_is_shown_is_asked_about_at_once_and_once(
    window: Window, session: Session, orders: Orders
) -> None:
    feed(session, "account", *scenes.account(), ENDED)
    session.editor.put("aws.profile", "other")
    session.editor.put("region.name", "eu-west-1")
    assert asked(orders) == [None, None, "eu-west-1"]
    session.editor.new()
    assert asked(orders) == [None, None, "eu-west-1"], "of another profile nothing was asked yet"


def test_the_role_is_looked_at_again_when_another_is_named(window: Window, session: Session, orders: Orders) -> None:
    session.editor.put("region.name", "eu-west-1")
    feed(session, "account", *scenes.account(), ENDED)
    window.visit("role")
    feed(session, "preview", *scenes.preview())
    assert len(asked(orders, "preview")) == 1
    session.editor.put("role.name", "Another")
    assert len(asked(orders, "preview")) == 2


def test_the_columns_fit_profiles_that_came_later(
    window: Window, session: Session, until: Callable[[Callable[[], object]], None]
) -> None:
    table = window.page.findChild(DataTable)
    assert isinstance(table, DataTable)
    feed(session, "account", events.AwsProfilesListed(profiles=(), default=""), ENDED)
    tell(session)
    settle()
    narrow = table.columnWidth(1)
    later = events.AwsProfile(name="vault", kind="process")
    feed(session, "account", events.AwsProfilesListed(profiles=(later,), default=""), ENDED)
    tell(session)
    assert table.sizeHintForColumn(1) > narrow
    until(lambda: table.columnWidth(1) > narrow)
