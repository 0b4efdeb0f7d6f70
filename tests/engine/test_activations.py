"""A run's activations at its end, also where AWS does not let everything be asked."""

import json
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError

from onboard.aws.session import Aws
from onboard.engine.aws_changes import end_all, end_former
from onboard.engine.journal import Journal
from onboard.model.changes import ChangeName
from onboard.model.events import AwsChanged, Noted
from onboard.model.profile import Profile


class NoLooking:
    """Activations may be deleted, and not be listed."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def get_paginator(self, name: str) -> Any:
        def paginate(**_: object) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)

        return SimpleNamespace(paginate=paginate)

    def delete_activation(self, *, ActivationId: str) -> None:  # noqa: N803 - AWS's name
        self.deleted.append(ActivationId)


def test_a_run_deletes_what_broken_off_ones_of_its_profile_left(tmp_path: Path) -> None:
    ssm = NoLooking()
    aws = cast("Aws", SimpleNamespace(ssm=ssm, region="r"))
    profile = Profile().model_dump_json(by_alias=True)
    with closing(Journal(tmp_path)) as journal:
        for run, path, account in (
            ("broken-off", "/p.toml", "1"),
            ("of-another-account", "/p.toml", "2"),
            ("of-another-profile", "/q.toml", "1"),
            ("ended", "/p.toml", "1"),
            ("ended-and-could-not-delete", "/p.toml", "1"),
            ("under-way", "/p.toml", "1"),
            ("this", "/p.toml", "1"),
        ):
            journal.begin(run, "apply", path, profile)
            journal.approve(run, json.dumps({"account": account, "region": "r"}))
            journal.write(run, "", ChangeName.CREATE_ACTIVATION, "intent")
            journal.write(run, "", ChangeName.CREATE_ACTIVATION, "done", {"id": f"a-{run}"})
        journal.write("ended", "", ChangeName.DELETE_ACTIVATION, "done", {"id": "a-ended"})
        journal.finish("ended", {})
        journal.finish("ended-and-could-not-delete", {})
        with closing(Journal(tmp_path)) as other, other.held("under-way"):
            list(end_former("this", "/p.toml", "1", aws, journal))
        assert ssm.deleted == ["a-ended-and-could-not-delete", "a-broken-off"]
        list(end_former("this", "/p.toml", "1", aws, journal))
        assert ssm.deleted == ["a-ended-and-could-not-delete", "a-broken-off", "a-under-way"]


def test_what_may_not_be_looked_for_is_noted_and_the_rest_is_deleted(tmp_path: Path) -> None:
    ssm = NoLooking()
    with closing(Journal(tmp_path)) as journal:
        journal.write("r1", "", ChangeName.CREATE_ACTIVATION, "intent")
        journal.write("r1", "", ChangeName.CREATE_ACTIVATION, "done", {"id": "a-1"})
        journal.write("r1", "", ChangeName.CREATE_ACTIVATION, "intent")  # refused, or killed: nobody knows
        told = list(end_all("r1", Profile(), cast("Aws", SimpleNamespace(ssm=ssm)), journal))
    (noted,) = [event for event in told if isinstance(event, Noted)]
    assert "ssm:DescribeActivations" in noted.text
    assert [event.subject for event in told if isinstance(event, AwsChanged)] == ssm.deleted == ["a-1"]
