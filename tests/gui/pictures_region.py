"""Pictures of the Region page: before, during and after measuring; a far Region in use, a tie, offline, Practice."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING

import region_scenes as scenes
from session_feed import feed, without_child

from onboard.gui.pages.region import RegionPage
from onboard.gui.session import Session
from onboard.gui.window import Window
from onboard.model import events
from onboard.model.events import THIS_COMPUTER
from onboard.model.profile import RegionSection
from onboard.model.status import HostStatus

if TYPE_CHECKING:
    from screenshots import Desk

HERE = scenes.distances()
SERVER = {region: scenes.latency((one.median_ms or 0) + 0.6) for region, one in HERE.items()}
BOTH = {THIS_COMPUTER: HERE, "srv-db-01": SERVER}
NONE_CHOSEN = RegionSection()


def region(desk: "Desk") -> Iterator[tuple[str, Window]]:
    account = tuple(desk_account())
    yield "region-empty", desk.window("region", {"account": account}, region=NONE_CHOSEN)

    window = desk.window("region", {"account": account}, region=NONE_CHOSEN)
    without_child(window.session)
    page = page_of(window)
    page.card.measure.emit()
    page.card.busy._clock = lambda: time.monotonic() + 4  # as if it had been measuring for a while
    told = (*scenes.began(("srv-db-01",)), scenes.sampled(HERE, 9), scenes.sampled(SERVER, 3, "srv-db-01"))
    feed(window.session, "regions", *told)
    desk.settle()
    page.card.busy.look()
    yield "region-running", window

    window = desk.window("region", {"account": account, "regions": scenes.measured(BOTH)}, region=NONE_CHOSEN)
    yield "region-to-choose", window
    window = desk.window("region", {"account": account, "regions": scenes.measured(BOTH)})
    yield "region", window
    page_of(window).map.setFocus()
    page_of(window).table.select_key("us-west-2")
    yield "region-selected", window

    far = RegionSection(name="af-south-1")
    yield "region-far", desk.window("region", {"account": account, "regions": scenes.measured(BOTH)}, region=far)

    near = HERE["eu-central-1"]
    tie = {**HERE, "eu-west-3": scenes.latency((near.median_ms or 0) + 0.2), "eu-west-2": scenes.latency(9.0, 9, 3)}
    servers = {f"srv-db-0{n}": {**SERVER, "eu-central-1": scenes.latency(30)} for n in (1, 2)}
    told = scenes.measured({THIS_COMPUTER: tie}, closed=None)
    yield "region-tie", desk.window("region", {"account": account, "regions": told}, region=NONE_CHOSEN)
    failed = events.HostFinished(
        host="srv-web-01",
        status=HostStatus.UNTRUSTED,
        reason="Nobody has approved the server's host key",
        remedy="Approve it under Servers.",
    )
    told = scenes.measured({THIS_COMPUTER: HERE, **servers}, more=(failed,))
    yield "region-servers-disagree", desk.window("region", {"account": account, "regions": told})

    yield "region-offline", desk.window("region", {"regions": scenes.unreachable()}, region=NONE_CHOSEN)

    via = "proxy 127.0.0.1:40123 (onboard-practice (simulated distances))"
    told = scenes.measured({THIS_COMPUTER: HERE}, via=via)
    window = desk.window("region", {"account": account, "regions": told})
    in_practice(window.session)
    yield "region-practice", window


def desk_account() -> Iterator[events.Event]:
    yield events.AccountIdentified(
        account="123456789012", arn="arn:aws:iam::123456789012:user/ada", partition="aws", region="eu-central-1"
    )
    yield events.RunFinished(run="", hosts={})


def page_of(window: Window) -> RegionPage:
    page = window.page
    assert isinstance(page, RegionPage)
    return page


def in_practice(session: Session) -> None:
    """As if Practice were running, without starting it."""
    session.practice.child.close()
    session.practice.child = SimpleNamespace(is_running=True, is_up=True, close=lambda: None)  # type: ignore[assignment]
    session.editor.draft_changed.emit()
