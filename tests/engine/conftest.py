"""A practice cloud and servers, and the tools to work on them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from practice_images import CHECKED_IMAGES

from onboard.engine.apply import apply
from onboard.engine.check import check, plan
from onboard.engine.proof import Patience
from onboard.engine.undo import undo
from onboard.engine.workbench import Tools, workbench
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.plan import Plan
from onboard.model.profile import Profile
from onboard.model.state import State, fold
from onboard.practice.serve import Practice, running_practice

QUICK = Patience(online=20, answer=5, poll=0.1)


@dataclass
class Bench:
    """A practice, and this program's commands on it."""

    practice: Practice
    folder: Path
    patience: Patience = QUICK
    profile: Profile = field(init=False)

    def __post_init__(self) -> None:
        self.profile = self.practice.profile()

    def known_hosts_text(self) -> str:
        return self.practice.known_hosts

    @contextmanager
    def tools(self) -> Iterator[Tools]:
        path = self.folder / "practice_hosts"
        path.write_text(self.known_hosts_text())
        known = KnownHosts.from_file(path)
        with workbench(self.folder, self.profile.credentials, known_hosts=known, patience=self.patience) as tools:
            yield tools

    def check(self) -> State:
        with self.tools() as tools:
            return fold(check(self.profile, tools, CancelToken()))

    def plan(self) -> State:
        with self.tools() as tools:
            return fold(plan(self.profile, tools, CancelToken()))

    def apply(self, *, approved: Plan | None = None, resume: str = "", cancel: CancelToken | None = None) -> State:
        with self.tools() as tools:
            record = tools.journal.run(resume) if resume else None
            return fold(apply(self.profile, tools, cancel or CancelToken(), approved=approved, resume=record))

    def undo(self, run: str) -> State:
        with self.tools() as tools:
            return fold(undo(self.profile, tools.journal.run(run), tools, CancelToken()))

    def digests(self) -> dict[str, str]:
        return {server.name: server.digest() for server in self.practice.servers}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    """`bench(hosts)` starts a practice of CHECKED_IMAGES, unless given `only`; it ends with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(hosts: int | None = None, **options: object) -> Bench:
            practice = stack.enter_context(running_practice(hosts, **{"only": CHECKED_IMAGES, **options}))  # type: ignore[arg-type]
            for name, value in practice.environment().items():
                monkeypatch.setenv(name, value)
            return Bench(practice, tmp_path)

        yield start
