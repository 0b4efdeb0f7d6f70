"""Events for a session without an engine child, for tests of pages and for screenshots."""

import json
from collections.abc import Mapping
from typing import Any

from onboard.gui.session import Session
from onboard.model.events import Event
from onboard.model.orders import Control, Ordered


def feed(session: Session, command: str, *told: Event) -> None:
    """Fold events into the session as if the engine child had sent them.

    The session tells its listeners when its teller's time is up; `tell(session)` has it done at once.
    """
    session.commands.take(command, told)


def tell(session: Session) -> None:
    """Emit `states_changed` now instead of after REPAINT milliseconds."""
    session.commands.tell()


def without_child(session: Session) -> list[Mapping[str, Any]]:
    """Start no child: orders go into the returned list, and their commands run until fed an end."""
    orders: list[Mapping[str, Any]] = []

    def take(given: Ordered | Control) -> None:
        orders.append(json.loads(given.to_json()))

    session.orders.engine.send = take  # type: ignore[method-assign]
    session.orders.engine.control = take  # type: ignore[method-assign]
    return orders
