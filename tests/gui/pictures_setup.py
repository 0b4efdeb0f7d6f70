"""Pictures of the pages Role, Activation and Network in their states."""

import difflib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import scenes
from parts import part
from PySide6.QtWidgets import QLineEdit, QRadioButton
from session_feed import without_child

from onboard.aws.identity import Identity
from onboard.aws.role_trust import trust_policy
from onboard.gui.pages.network import PROXY, NetworkPage
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.card import Card
from onboard.gui.window import Window
from onboard.model import events, orders
from onboard.model.profile import ActivationSection, EndpointOverrides, NetworkSection, RoleSection

if TYPE_CHECKING:
    from screenshots import Desk

NAME = "OnboardSSMServiceRole"
REGION = "eu-central-1"
WANTED = trust_policy(Identity("123456789012", "arn:aws:iam::123456789012:user/ada", "aws"), REGION)
OPEN = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
OTHERS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        },
    ],
}
NEW = events.RoleShown(
    name=NAME,
    exists=False,
    trust=json.dumps(WANTED, indent=2),
    policies=("AmazonSSMManagedInstanceCore",),
    changes=(
        f"Create role {NAME}, which Systems Manager may assume for this account in {REGION}",
        f"Attach policy AmazonSSMManagedInstanceCore to role {NAME}",
    ),
)
REUSED = replace(NEW, exists=True, changes=())
FITS = events.HeadroomShown(tier="standard", nodes=31, adding=248, limit=1000, fits=True, activations=(248,))
MISSING = events.RunFailed(
    kind="aws",
    what="there is no role service-role/SSM",
    where="iam:GetRole",
    why="Account 123456789012 has no such role, and role.create is false",
    remedy="Correct role.name, or set role.create = true",
)
DENIED = events.RunFailed(
    kind="aws",
    what="permission ssm:DescribeInstanceInformation is missing",
    where="ssm:DescribeInstanceInformation",
    why="AWS says: no identity-based policy allows the ssm:DescribeInstanceInformation action",
    remedy="Allow ssm:DescribeInstanceInformation for the identity that Onboard uses",
)
ENDED = events.RunFinished(run="", hosts={})


def role(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """The role: to be created; being examined; reused; with warnings; unusable; unreadable; refused by AWS."""
    window = _window(desk, "role", NEW, FITS)
    yield "role-new", window
    asks(window, "preview")
    yield "role-looking", window
    yield "role-reused", _window(desk, "role", REUSED, FITS)
    doubts = (
        f"Role {NAME}: Systems Manager may assume it for any account; aws:SourceAccount would prevent that.",
        f"Role {NAME} has AmazonEC2RoleforSSM, which AWS has deprecated because it allows too much.",
    )
    warned = replace(REUSED, diff=_diff(OPEN), warnings=doubts)
    yield "role", _window(desk, "role", warned, FITS)
    refusal = (
        f"Role {NAME}: its trust policy does not let ssm.amazonaws.com assume it. Set another role.name, or update "
        f"its trust: aws iam update-assume-role-policy --role-name {NAME} …"
    )
    yield "role-unusable", _window(desk, "role", replace(REUSED, diff=_diff(OTHERS), problems=(refusal,)), FITS)
    unread = f"Role {NAME} could not be audited: permission iam:GetRole is missing."
    yield "role-unreadable", _window(desk, "role", replace(REUSED, exists=None, warnings=(unread,)), FITS)
    yield "role-error", _window(desk, "role", MISSING, role=RoleSection(name="service-role/SSM", create=False))


def activation(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """The servers fit; they do not; the cost of the advanced tier; waiting for AWS; AWS refuses."""
    named = ActivationSection(name="Frankfurt", expires_in_hours=8, tags={"site": "fra", "team": "platform"})
    window = _window(desk, "activation", NEW, FITS, activation=named)
    yield "activation", window
    asks(window, "preview")
    yield "activation-asking", window
    over = (
        "917 hybrid nodes and 248 more are 165 over the 1,000 of the standard tier: change to the advanced tier first "
        "(about $5,913 a month for 1,165 nodes at $0.00695 per node and hour; see AWS's price list)."
    )
    full = replace(FITS, nodes=917, fits=False, warnings=(over,))
    yield "activation-full", _window(desk, "activation", NEW, full)
    cost = "about $6,677 a month for 1,316 nodes at $0.00695 per node and hour; see AWS's price list"
    changing = ("The instance tier is being changed to advanced; this takes a few minutes.",)
    advanced = replace(FITS, tier="advanced", nodes=1068, limit=None, cost=cost, warnings=changing)
    yield "activation-cost", _window(desk, "activation", NEW, advanced)
    yield "activation-error", _window(desk, "activation", DENIED)


def network(desk: "Desk") -> Iterator[tuple[str, Window]]:
    """Each of the three ways; an invalid value; a proxy without a URL."""
    yield "network", _network(desk, NetworkSection())
    own = {
        "ssm": f"https://vpce-0a1b2c3d4e5f60718-x1y2z3w4.ssm.{REGION}.vpce.amazonaws.com",
        "ssmmessages": f"https://vpce-0b2c3d4e5f6071829-a9b8c7d6.ssmmessages.{REGION}.vpce.amazonaws.com",
        "ec2messages": f"https://vpce-0c3d4e5f607182930-e5f4a3b2.ec2messages.{REGION}.vpce.amazonaws.com",
    }
    yield "network-endpoints", _network(desk, NetworkSection(endpoints=EndpointOverrides(**own)))
    proxied = NetworkSection(proxy="http://proxy.fra.example.com:3128", no_proxy=("10.0.0.5", "repo.fra.example.com"))
    window = _network(desk, proxied)
    yield "network-proxy", window
    page = window.page
    assert isinstance(page, NetworkPage)
    line = part(page, "proxy-card", Card).findChild(QLineEdit)
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.setText("http://ada:hunter2@proxy.fra.example.com:3128")
    line.editingFinished.emit()
    yield "network-proxy-invalid", window
    window = _network(desk, NetworkSection(endpoints=EndpointOverrides(**own)))
    next(one for one in window.page.findChildren(QRadioButton) if one.objectName() == PROXY).click()
    window.forward()
    yield "network-proxy-missing", window
    window.visit("activation")
    yield "network-proxy-missing-left", window


def asks(window: Window, command: str) -> None:
    """Order the page's command, and act as if it had been waiting for a while."""
    without_child(window.session)
    window.session.commands.run(orders.ORDERS[command]())
    for busy in window.page.findChildren(BusyIndicator):
        busy._clock = lambda: time.monotonic() + 4
        busy.look()


def _window(desk: "Desk", page: str, *told: events.Event, **profile: object) -> Window:
    return desk.window(page, {"account": scenes.account(), "preview": (*told, ENDED)}, **profile)


def _network(desk: "Desk", section: NetworkSection) -> Window:
    return desk.window("network", {"account": scenes.account()}, network=section)


def _diff(found: object) -> str:
    """The diff between the trust policy found and the one wanted."""
    before, after = (json.dumps(policy, indent=2, sort_keys=True).splitlines() for policy in (found, WANTED))
    return "\n".join(difflib.unified_diff(before, after, "trust policy", "trust policy wanted", lineterm=""))
