"""Pictures of the pages Checks and Review in their states."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import fleet
from session_feed import feed, without_child

from onboard.gui.models.check_matrix import CHECKS, FIRST_CHECK
from onboard.gui.pages.checks import ChecksPage
from onboard.gui.pages.review import ReviewPage
from onboard.gui.window import Window
from onboard.model import events, orders
from onboard.model.status import HostStatus

if TYPE_CHECKING:
    from screenshots import Desk

COUNT = 248
KNOWN = {"account": fleet.account()}
EXPIRED = events.RunFailed(
    kind="aws",
    what="AWS could not be asked",
    where="sts in eu-central-1",
    why="The security token included in the request is expired",
    remedy="Log in again: aws sso login --profile work",
)


def show_finding(page: ChecksPage, server: str, check: str) -> None:
    """Go to a server's finding."""
    column = FIRST_CHECK + CHECKS.index(check)
    page.table.setCurrentIndex(page.matrix.index(page.matrix.row_of(server), column))


def _window(desk: "Desk", page: str, count: int, told: dict[str, list[events.Event]]) -> Window:
    return desk.window(page, {**KNOWN, **told}, **dict(fleet.profile(count)))


def checks(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """Before, during and after the checks; a cause selected; AWS not queried."""
    yield "checks-empty", _window(desk, "checks", COUNT, {})
    window = _window(desk, "checks", COUNT, {})
    without_child(window.session)
    window.session.commands.run(orders.Check())
    page = window.page
    assert isinstance(page, ChecksPage)
    page.busy._clock = lambda: time.monotonic() + 14  # as if it had been asking for a while
    feed(window.session, "check", *fleet.asked(COUNT, 131))
    yield "checks-running", window
    window = _window(desk, "checks", COUNT, {"check": list(fleet.checked(COUNT))})
    page = window.page
    assert isinstance(page, ChecksPage)
    show_finding(page, "srv-web-04", "clock_in_sync")
    yield "checks", window
    page.table.clearSelection()
    page.cause_table.selectRow(2)
    yield "checks-cause", window
    told = list(fleet.checked(24))
    yield "checks-error", _window(desk, "checks", 24, {"check": [*told[:-1], EXPIRED, told[-1]]})


def review(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """Before the plan is made; the plan, with warnings; filtered; nothing to do; refused."""
    ran = {"check": list(fleet.checked(COUNT))}
    yield "review-empty", _window(desk, "review", COUNT, ran)
    window = _window(desk, "review", COUNT, {**ran, "plan": list(fleet.planned(COUNT))})
    page = window.page
    assert isinstance(page, ReviewPage)
    page.tree.setCurrentIndex(page.plan.index(0, 0, page.plan.index(0, 0)))
    yield "review", window
    page.filter.setText("srv-web-0")
    yield "review-searched", window
    window = _window(desk, "review", COUNT, {**ran, "plan": [events.PlanMade(plan=fleet.altering(COUNT))]})
    page = window.page
    assert isinstance(page, ReviewPage)
    group = page.plan.index(0, 0, page.plan.index(1, 0))
    page.tree.expand(group)
    page.tree.setCurrentIndex(page.plan.index(1, 0, group))
    yield "review-altered", window
    page.tree.setCurrentIndex(page.plan.index(0, 0, page.plan.index(0, 0)))
    yield "review-altered-policy", window
    made = fleet.plan(COUNT)
    nothing = replace(made, aws=(), hosts=(), warnings=())
    online = [events.HostFinished(host=name, status=HostStatus.ONLINE) for name in fleet.names(COUNT)]
    done = [events.PlanMade(plan=nothing), *online]
    yield "review-nothing", _window(desk, "review", COUNT, {**ran, "plan": done})
    yield "review-error", _window(desk, "review", COUNT, {**ran, "plan": [EXPIRED]})
