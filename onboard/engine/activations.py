"""The activations of one run: exactly as many registrations as it needs, deleted when it ends."""

import json
import threading
from collections.abc import Generator, Iterable

from onboard.aws.activation import (
    Activation,
    activation_sizes,
    create_activation,
    delete_activation,
    find_activations,
)
from onboard.aws.session import Aws
from onboard.engine.journal import Entry, Journal
from onboard.model.cancel import CancelToken
from onboard.model.errors import AwsError, OnboardError
from onboard.model.events import AwsChanged, Event, Noted
from onboard.model.profile import Profile
from onboard.steps.base import Registration

CREATE = "create_activation"
DELETE = "delete_activation"


class Activations:
    """Hands out registrations to workers; the codes stand in memory alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[tuple[Activation, int]] = []

    def add(self, activation: Activation) -> None:
        self._open.append((activation, activation.limit))

    def take(self) -> Registration:
        """One registration. OnboardError when none is left, which the plan's count rules out."""
        with self._lock:
            while self._open:
                activation, left = self._open[0]
                if left > 0:
                    self._open[0] = (activation, left - 1)
                    return Registration(activation.id, activation.code, activation.region)
                self._open.pop(0)
        raise OnboardError("No registration is left in this run's activations", remedy="Resume the run")


def create_for(
    servers: int, role: str, run: str, profile: Profile, aws: Aws, journal: Journal, cancel: CancelToken
) -> Generator[Event, None, Activations]:
    """Create the activations that `servers` registrations need."""
    activations = Activations()
    wanted = profile.activation
    for size in activation_sizes(servers):
        journal.write(run, "", CREATE, "intent", {"name": wanted.name})
        activation = create_activation(
            aws,
            role=role,
            name=wanted.name,
            size=size,
            expires_in_hours=wanted.expires_in_hours,
            tags=wanted.tags,
            run=run,
            cancel=cancel,
        )
        journal.write(run, "", CREATE, "done", {"id": activation.id})
        activations.add(activation)
        summary = f"Created an activation for {size}, valid until {activation.expires:%Y-%m-%d %H:%M} UTC"
        yield AwsChanged(change=CREATE, subject=activation.id, summary=summary)
    return activations


def delete_all(run: str, profile: Profile, aws: Aws, journal: Journal) -> Generator[Event, None, None]:
    """Delete every activation of the run that may still exist, also those of an earlier part that was broken off."""
    left, may_be_unknown = _left(journal.entries(run))
    if may_be_unknown:
        try:
            left |= {found.id for found in find_activations(aws, name=profile.activation.name, run=run)}
        except AwsError as error:
            text = f"Whether an activation of this run was left behind could not be asked. {error}"
            yield Noted(text=text, level="warning")
    for activation_id in sorted(left):
        try:
            delete_activation(aws, activation_id)
        except AwsError as error:
            yield Noted(text=f"Activation {activation_id} could not be deleted. {error}", level="warning")
            continue
        journal.write(run, "", DELETE, "done", {"id": activation_id})
        yield AwsChanged(change=DELETE, subject=activation_id, summary="Deleted the activation")


def delete_of_former(
    run: str, profile_path: str, account: str, aws: Aws, journal: Journal
) -> Generator[Event, None, None]:
    """Delete what earlier runs of this profile left that were broken off: `run`, which ended, stands in for them."""
    for record in journal.runs():
        if record.run == run or record.finished or (record.command, record.profile_path) != ("apply", profile_path):
            continue
        plan = json.loads(record.plan or "{}")
        if (plan.get("account"), plan.get("region")) == (account, aws.region) and not journal.is_held(record.run):
            yield from delete_all(record.run, Profile.model_validate_json(record.profile), aws, journal)


def known_ids(entries: Iterable[Entry]) -> frozenset[str]:
    """Ids of the run's activations, as far as they were written down."""
    return frozenset(entry.data["id"] for entry in entries if entry.change in (CREATE, DELETE) and "id" in entry.data)


def _left(entries: Iterable[Entry]) -> tuple[set[str], bool]:
    """Ids of those created and not deleted; whether there may be others, whose ids were never written down."""
    created, deleted, broken_off = set[str](), set[str](), 0
    for entry in entries:
        if entry.change == CREATE and entry.phase == "intent":
            broken_off += 1
        elif entry.change == CREATE:
            broken_off -= 1
            created.add(entry.data["id"])
        elif entry.change == DELETE:
            deleted.add(entry.data["id"])
    # broken off: killed, or refused, between asking AWS and writing the id down
    return created - deleted, broken_off > 0
