"""Which of Amazon's roots does the agent trust here, in the store that a Go program reads?"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from onboard.facts.amazon_roots import AMAZON_ROOTS, AmazonRoot
from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import number, pairs


@dataclass(frozen=True, slots=True)
class RootCertificates:
    """`bundle`: the file read, "" when there is none. `count`: certificates in it. `sha256`: of the DER of those found
    that look like one of Amazon's, in hex, sorted; including those that are only in the store's folders.
    """

    bundle: str
    count: int
    sha256: tuple[str, ...]

    @property
    def amazon(self) -> tuple[AmazonRoot, ...]:
        return tuple(root for root in AMAZON_ROOTS if root.sha256 in self.sha256)


def parse(answer: Answer) -> RootCertificates:
    bundle = ""
    count = 0
    found = set()
    told = False
    for key, value in pairs(answer):
        if key in ("file", "missing"):
            told = True
            bundle = value if key == "file" else ""
        elif key == "count":
            count = number(value, "the count of certificates")
        elif key == "certificate":
            try:
                found.add(hashlib.sha256(base64.b64decode(value, validate=True)).hexdigest())
            except (binascii.Error, ValueError):
                continue  # the agent does not read a mangled certificate either
    if not told:
        raise FactError("the server did not say which bundle of certificates it has")
    return RootCertificates(bundle, count, tuple(sorted(found)))


FACT = Fact("root_certificates", parse)
