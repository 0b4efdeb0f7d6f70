"""Which kernel, on what hardware, under which host name?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import single


@dataclass(frozen=True, slots=True)
class Kernel:
    """As uname prints it. `bits` of the programs, which a 64-bit kernel may run with 32; 0 when not known."""

    system: str
    release: str
    machine: str
    hostname: str
    bits: int = 0


def parse(answer: Answer) -> Kernel:
    values = single(answer)
    if not values.get("release") or not values.get("machine"):
        raise FactError("uname printed no release or no machine")
    bits = values.get("bits", "")
    return Kernel(
        system=values.get("system", ""),
        release=values["release"],
        machine=values["machine"],
        hostname=values.get("hostname", ""),
        bits=int(bits) if bits in ("32", "64") else 0,
    )


FACT = Fact("kernel", parse)
