"""What time is it on the server? What the endpoints say of it comes with `endpoint_reach`."""

import re
from dataclasses import dataclass

from onboard.facts.base import Answer, Fact
from onboard.facts.lines import number, pairs


@dataclass(frozen=True, slots=True)
class Clock:
    """The server's clock, in seconds since the epoch.

    here      this computer's clock at that moment, to a second or two; None when it was not looked at
    keepers   programs that keep the clock right and are installed: chronyd, ntpd, systemd-timesyncd
    """

    server: float
    here: float | None = None
    keepers: tuple[str, ...] = ()


def parse(answer: Answer) -> Clock:
    lines = list(pairs(answer))
    values = dict(lines)
    server = float(number(values.get("seconds", ""), "the server's time"))
    # Where `date` knows no %N it prints the letter.
    if re.fullmatch(r"[0-9]{1,20}\.[0-9]{1,9}", values.get("exact", "")):
        server = float(values["exact"])
    return Clock(server, answer.began, tuple(value for key, value in lines if key == "keeper" and value))


FACT = Fact("clock", parse)
