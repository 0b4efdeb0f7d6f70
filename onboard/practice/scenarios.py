"""What can go wrong with the cloud or the first server: `onboard practice --scenario NAME`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onboard.practice.image import Image, image
from onboard.practice.settings import Settings


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that goes wrong.

    title     what happens
    settings  the cloud's, in the form that POST /practice/settings accepts
    canary    the image of a server that comes before all others; "" for none
    """

    name: str
    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    canary: str = ""

    def cloud(self) -> Settings:
        """The settings of a cloud where it happens."""
        settings = Settings()
        settings.update(self.settings)
        return settings

    def servers(self, images: Sequence[Image]) -> Sequence[Image]:
        """The images of the servers, if these are wanted."""
        return (image(self.canary), *images) if self.canary else images


SCENARIOS = (
    Scenario("failing-canary", "The first server fails, so the others are not started.", canary="install-fails"),
    Scenario(
        "throttled",
        "AWS refuses the first calls of several kinds: Rate exceeded.",
        {
            "throttles": {
                "CreateActivation": {"next_calls": 2},
                "SendCommand": {"next_calls": 2},
                "DescribeInstanceInformation": {"next_calls": 2},
                "ListCommandInvocations": {"next_calls": 2},
            }
        },
    ),
    Scenario(
        "lossy",
        "AWS carries out the first call of every kind, and its answer is lost on the way.",
        {"faults": {"*": {"kind": "lost", "calls": 1}}},
    ),
    Scenario(
        "proxy-page",
        "A proxy answers every call to AWS with its own log-in page.",
        {"faults": {"*": {"kind": "page"}}},
    ),
    Scenario(
        "expired-credentials",
        "Your AWS credentials expire after the activation was created.",
        {"faults": {"*": {"kind": "expired", "after": "CreateActivation"}}},
    ),
    Scenario(
        "no-ec2messages",
        "The Region does not offer ec2messages, like those launched in 2024 or later.",
        {"ec2messages": False},
    ),
)
