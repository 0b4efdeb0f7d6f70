"""Pictures of the pages Start and Account in their states."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import scenes
from parts import part
from pictures_setup import asks
from session_feed import feed, without_child

from onboard.gui.pages.start import StartPage
from onboard.gui.text import tr
from onboard.gui.widgets.button import Button
from onboard.gui.window import Window
from onboard.home import home
from onboard.model import events
from onboard.model.errors import Problem
from onboard.model.profile import AwsSection, RegionSection
from onboard.wizard.recent import FILE, Recent
from onboard.wizard.recovery import FOLDER

if TYPE_CHECKING:
    from screenshots import Desk

NOBODY = 999_999_999  # a process that does not exist
PROFILES = events.AwsProfilesListed(
    profiles=(
        events.AwsProfile(name="default", kind="keys", region="eu-central-1"),
        events.AwsProfile(name="onboarding", kind="sso", region="eu-central-1", detail="example-company"),
        events.AwsProfile(
            name="audit", kind="assume-role", detail="arn:aws:iam::210987654321:role/security/ReadOnlyAuditor"
        ),
        events.AwsProfile(name="ci", kind="web-identity", region="eu-west-1"),
        events.AwsProfile(name="vault", kind="process"),
    ),
    default="default",
)
ENDED = events.RunFinished(run="", hosts={})
ADA = events.AccountIdentified(
    account="123456789012",
    arn="arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Onboarding_0a1b2c3d4e5f6071/ada@example.com",
    partition="aws",
    region="eu-central-1",
    expires="2026-11-24T19:02:11+00:00",
)
LACKING = events.AccountIdentified(
    account="123456789012",
    arn="arn:aws:iam::123456789012:user/ada",
    partition="aws",
    region="eu-central-1",
    missing=(
        "ssm:CreateActivation",
        "ssm:AddTagsToResource",
        "ssm:DeregisterManagedInstance",
        "iam:PassRole",
        "iam:CreateRole",
        "iam:AttachRolePolicy",
    ),
)
UNSURE = events.AccountIdentified(
    account="123456789012",
    arn="arn:aws:iam::123456789012:user/ada",
    partition="aws",
    region="eu-central-1",
    unsure="permission iam:SimulatePrincipalPolicy is missing",
)
EXPIRED = events.RunFailed(
    kind="aws",
    what="you are not logged in, or the log-in has expired",
    where="sts:GetCallerIdentity",
    why="Single sign-on has no valid token",
    remedy="Log in with `aws sso login` (or `aws login`), then try again",
)
MISTAKEN = events.RunFailed(
    kind="profile",
    what="1 mistake found",
    problems=(Problem("region.name", "there is no Region 'eu-central-7'", "The nearest is eu-central-1"),),
)
LONG_NAME = Problem("role.name", "it is longer than 64 characters", "Write the role's name, without its ARN")
NO_CREDENTIALS = events.RunFailed(
    kind="aws",
    what="no AWS credentials were found",
    where="sts:GetCallerIdentity",
    why="Neither the environment, ~/.aws nor single sign-on has complete credentials",
    remedy="Log in with `aws sso login` or `aws configure`, or name a profile in aws.profile",
)
NO_REGION = RegionSection()
NO_LIBRARIES = (
    "onboard: Practice needs libraries that are not installed\n"
    "moto is missing\n"
    "Install Onboard with its practice extra: pip install 'onboard[practice]'"
)


def start(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """Empty; recent profiles, unsaved changes after a crash and an interrupted run; Practice starting, and failing."""
    window = blank(desk)
    yield "start-empty", window
    page = window.page
    assert isinstance(page, StartPage)
    window.session.practice.child.close()
    window.session.practice.child = SimpleNamespace(  # type: ignore[assignment]
        is_running=True, is_up=False, start=lambda hosts: None, close=lambda: None
    )
    part(page, "try", Button).click()
    yield "start-practice-starting", window
    window.session.practice.child.is_running = False  # type: ignore[misc]
    window.session.practice.failed.emit(tr("Practice did not start"), NO_LIBRARIES)
    yield "start-practice-failed", window
    path = lately()
    left_behind(path)
    window = blank(desk)
    run = events.KeptRun(
        run="20261124-130211-3f9a",
        command="apply",
        profile="Frankfurt data centre",
        path=str(path),
        started=ago(hours=3),
        finished="",
        held=False,
        hosts={},
        servers=242,
        proven=118,
    )
    feed(window.session, "runs", events.RunsListed(runs=(run,)), ENDED)
    yield "start", window


def account(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """Waiting for AWS; answered; permissions missing or unknown; log-in expired; mistakes; no keys."""
    window = desk.window("account", {"account": (PROFILES, ADA, ENDED)}, aws=AwsSection(profile="onboarding"))
    yield "account", window
    asks(window, "account")
    feed(window.session, "account", PROFILES)
    yield "account-asking", window
    for name, told in (("missing", LACKING), ("unsure", UNSURE), ("expired", EXPIRED)):
        yield f"account-{name}", desk.window("account", {"account": (PROFILES, told, ENDED)})
    yield "account-mistake", desk.window("account", {"account": (PROFILES, MISTAKEN, ENDED)})
    several = replace(MISTAKEN, what="2 mistakes found", problems=(*MISTAKEN.problems, LONG_NAME))
    yield "account-mistakes", desk.window("account", {"account": (PROFILES, several, ENDED)})
    nobody = events.AwsProfilesListed(profiles=(), default="")
    yield (
        "account-no-credentials",
        desk.window("account", {"account": (nobody, NO_CREDENTIALS, ENDED)}, region=NO_REGION),
    )
    undecided = replace(ADA, region="")
    yield "account-no-region", desk.window("account", {"account": (PROFILES, undecided, ENDED)}, region=NO_REGION)


def blank(desk: "Desk") -> Window:
    """The program as it starts, with no profile open."""
    window = desk.window("start")
    without_child(window.session)
    window.session.editor.new()
    return window


def lately() -> Path:
    """Make some profiles recently opened, and return the path of the last one."""
    folder = home() / "profiles"
    folder.mkdir()
    opened = (
        Recent("frankfurt.toml", "Frankfurt data centre", 242, "eu-central-1", ago(hours=1), 118),
        Recent("lab.toml", "Lab", 12, "eu-west-1", ago(days=3), 12),
        Recent("branches.toml", "Branch offices", 61, "", ago(days=22)),
    )
    listed = [{**asdict(one), "path": str(folder / one.path)} for one in opened]
    for one in listed:
        Path(str(one["path"])).touch()
    (home() / FILE).write_text(json.dumps(listed), encoding="utf-8")
    return folder / opened[0].path


def left_behind(path: Path) -> None:
    """Simulate a window that crashed while a profile was edited."""
    draft = scenes.profile().model_dump(mode="json", by_alias=True)
    (home() / FOLDER).mkdir(exist_ok=True)
    content = json.dumps({"draft": draft, "saved": None, "path": str(path)})
    (home() / FOLDER / f"{NOBODY}.json").write_text(content, encoding="utf-8")


def ago(**time_past: int) -> str:
    return (datetime.now(UTC) - timedelta(**time_past)).isoformat(timespec="seconds")
