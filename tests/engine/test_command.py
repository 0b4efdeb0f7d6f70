"""What commands have in common: errors come at the first event, and an undo is of what the journal says by then."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from onboard.engine.apply import apply
from onboard.engine.journal import Journal
from onboard.engine.undo import undo
from onboard.engine.workbench import Tools
from onboard.hosts.connection import Connector
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError, ProfileError
from onboard.model.events import RunStarted
from onboard.model.profile import Host, Profile

PROFILE = Profile(hosts=(Host(name="a"), Host(name="b")))


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    with closing(Journal(tmp_path)) as journal:
        yield Tools(cast("Connector", None), journal, tmp_path, KnownHosts(tmp_path / "known_hosts"))


def begun(journal: Journal, command: str) -> str:
    journal.begin("r1", command, "", json.dumps(PROFILE.model_dump(mode="json", by_alias=True)))
    return "r1"


def test_a_run_that_cannot_go_on_is_refused_at_the_first_event(tools: Tools) -> None:
    record = tools.journal.run(begun(tools.journal, "check"))
    stream = apply(PROFILE, tools, CancelToken(), resume=record)
    with pytest.raises(ProfileError):
        next(stream)


def test_a_run_that_goes_on_elsewhere_is_not_undone(tools: Tools) -> None:
    record = tools.journal.run(begun(tools.journal, "apply"))
    stream = undo(PROFILE, record, tools, CancelToken())
    with tools.journal.held(record.run), pytest.raises(OnboardError):
        next(stream)
    assert [run.run for run in tools.journal.runs()] == [record.run], "nothing was written"


def test_undo_takes_back_what_a_resume_changed_between_the_order_and_its_beginning(tools: Tools) -> None:
    record = tools.journal.run(begun(tools.journal, "apply"))
    tools.journal.write(record.run, "a", "configure_agent", "done", {"had": "no"})
    stream = undo(PROFILE, record, tools, CancelToken())
    tools.journal.write(record.run, "b", "configure_agent", "done", {"had": "no"})
    with closing(stream):
        first = next(stream)
    assert isinstance(first, RunStarted)
    assert first.hosts == ("a", "b")
