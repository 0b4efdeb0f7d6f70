"""The practice cloud that most tests of this room begin with."""

from collections.abc import Iterator

import pytest
from practice_bench import Practice, SetClock

from onboard.practice.cloud import running_cloud
from onboard.practice.settings import Settings


@pytest.fixture
def practice() -> Iterator[Practice]:
    """A practice cloud whose clock stands, and whose polls end at once."""
    clock = SetClock()
    with running_cloud(Settings(clock=clock, poll_hold_s=0.05)) as cloud:
        yield Practice(cloud, clock)
