"""Events for a session without an engine child, for tests of pages and for screenshots."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from onboard.gui.session import Session
from onboard.model.events import Event
from onboard.model.plan import Plan
from onboard.model.profile import Profile


def feed(session: Session, command: str, *told: Event) -> None:
    """Fold events into the session as if the engine child had told them.

    The session tells its listeners when its teller's time is up; `tell(session)` has it done at once.
    """
    session.take(command, told)


def tell(session: Session) -> None:
    """Have `states_changed` emitted now instead of in REPAINT milliseconds."""
    session._teller.stop()
    session._tell()


def without_child(session: Session) -> list[Mapping[str, Any]]:
    """Let no child be started: orders go into the list that this returns, and their commands run until fed an end."""
    orders: list[Mapping[str, Any]] = []

    def send(order: Mapping[str, Any], profile: Profile | None = None, plan: Plan | None = None) -> None:
        values = {"profile": profile.model_dump(mode="json", by_alias=True)} if profile is not None else {}
        planned = {"plan": asdict(plan)} if plan is not None else {}
        orders.append({**order, **values, **planned})

    session.engine.send = send  # type: ignore[method-assign]
    session.engine.control = orders.append  # type: ignore[method-assign]
    return orders
