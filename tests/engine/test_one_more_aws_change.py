"""One more change in AWS is one more entry of the catalog: an S3 bucket that nothing else here knows of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from engine.conftest import Bench

from onboard.aws.changes import catalog
from onboard.aws.changes.base import Basis, Entry, Made, Need, Part, Planned, RunChange, Undo, Undone
from onboard.aws.failures import asking
from onboard.aws.identity import Identity, identify
from onboard.aws.permissions import needed
from onboard.aws.session import Aws, open_aws
from onboard.engine.history import undo_preview
from onboard.model.cancel import CancelToken
from onboard.model.errors import AwsError
from onboard.model.events import AwsChanged, Noted, UndoLine
from onboard.model.plan import Change
from onboard.model.profile import Profile
from onboard.model.state import fold

BUCKET = "outputs-of-runs"


@dataclass(frozen=True)
class NewBucket(Part):
    name: str

    def planned_undo(self) -> Mapping[str, str]:
        return {"bucket": self.name}

    def make(self, aws: Aws, cancel: CancelToken) -> Made:
        with asking("s3:CreateBucket"):
            where = {"LocationConstraint": aws.region}
            aws.client("s3").create_bucket(Bucket=self.name, CreateBucketConfiguration=where)
        told = AwsChanged(change="create_bucket", subject=self.name, summary=f"Create bucket {self.name}")
        return Made(kept=self.planned_undo(), told=(told,))


class Bucket(RunChange):
    name = "ensure_bucket"
    title = "The bucket"

    def needs(self, profile: Profile, identity: Identity) -> tuple[Need, ...]:
        return (Need(("s3:CreateBucket", "s3:ListBucket"), f"arn:{identity.partition}:s3:::{BUCKET}"),)

    def plan(self, basis: Basis) -> Planned:
        if not basis.servers or BUCKET in buckets(basis.aws):
            return Planned()
        change = Change(name="create_bucket", summary=f"Create bucket {BUCKET}", detail={"bucket": BUCKET})
        return Planned(changes=(change,), parts=(NewBucket(BUCKET),), warnings=("Objects in it cost money.",))

    def tell(self, entries: Iterable[Entry]) -> tuple[UndoLine, ...]:
        name = self.left(entries).get("bucket", "")
        words = f"The bucket {name}, which this run made, is deleted."
        return (UndoLine(change=self.name, subject=name, words=words),) if name else ()

    def undo(self, undo: Undo) -> Iterator[Undone | Noted]:
        name = undo.left["bucket"]
        with asking("s3:DeleteBucket"):
            undo.aws.client("s3").delete_bucket(Bucket=name)
        told = AwsChanged(change="delete_bucket", subject=name, summary=f"Deleted bucket {name}")
        yield Undone(change=self.name, phase="undone", told=told)


def buckets(aws: Aws) -> list[str]:
    return [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line in the catalog, and nothing else."""
    monkeypatch.setattr(catalog, "RUN_CHANGES", (*catalog.RUN_CHANGES, Bucket()))
    monkeypatch.setattr(catalog, "CHANGES", (*catalog.CHANGES, Bucket()))


@pytest.mark.usefixtures("listed")
def test_it_is_planned_made_and_undone(bench: Callable[..., Bench]) -> None:
    work = bench(1)
    plan = work.plan().plan
    assert plan is not None
    assert f"Create bucket {BUCKET}" in [change.summary for change in plan.aws]
    assert "Objects in it cost money." in plan.warnings
    with closing(open_aws(work.profile)) as aws:
        assert buckets(aws) == []
        needs = needed(work.profile, identify(aws))
        assert needs[f"arn:aws:s3:::{BUCKET}"] == ("s3:CreateBucket", "s3:ListBucket")

        applied = work.apply(approved=plan)
        assert applied.counts() == {"online": 1}
        assert buckets(aws) == [BUCKET]
        assert ("create_bucket", BUCKET) in [(change.change, change.subject) for change in applied.aws_changes]
        again = work.plan().plan
        assert again is not None
        assert {change.name for change in again.aws} == {"confirm"}, "it is there already"

        with work.tools() as tools:
            shown = fold(undo_preview(tools.journal.run(applied.run), tools.journal)).undoing
        assert shown is not None
        assert [line.subject for line in shown.lines] == [work.profile.role.name, BUCKET]
        undone = work.undo(applied.run)
        assert [change.change for change in undone.aws_changes][-2:] == ["delete_bucket", "delete_role"]
        assert buckets(aws) == []
    with work.tools() as tools:
        assert not fold(undo_preview(tools.journal.run(applied.run), tools.journal)).undoing.touches_anything


@pytest.mark.usefixtures("listed")
def test_one_that_cannot_be_undone_does_not_keep_the_others(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = bench(1)
    run = work.apply().run
    with monkeypatch.context() as broken:
        broken.setattr(Bucket, "undo", refuse)
        undone = work.undo(run)
    assert undone.failure is not None
    assert "the bucket is not empty" in undone.failure.what
    assert [change.change for change in undone.aws_changes][-1] == "delete_role"
    assert "delete_bucket" in [change.change for change in work.undo(run).aws_changes]


def refuse(*_: Any) -> Iterator[Undone | Noted]:
    raise AwsError("the bucket is not empty")


@pytest.mark.usefixtures("listed")
def test_it_stays_while_a_server_may_need_it(bench: Callable[..., Bench]) -> None:
    work = bench(1)
    run = work.apply().run
    work.profile = work.profile.model_copy(update={"hosts": ()})
    undone = work.undo(run)
    texts = [noted.text for noted in undone.notes]
    assert [text for text in texts if text.startswith(("The bucket stays", "The role stays"))] == [
        "The bucket stays, since not every server could be restored",
        "The role stays, since not every server could be restored",
    ]
    with closing(open_aws(work.profile)) as aws:
        assert buckets(aws) == [BUCKET]
