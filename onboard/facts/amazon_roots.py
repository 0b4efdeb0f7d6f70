"""The roots that AWS's endpoints chain up to, shipped so that a server without internet can be given them.

Amazon's own repository asks for all five in a custom store (https://www.amazontrust.com/repository/); an agent that
trusts none of the `required` ones cannot talk to AWS. "Starfield Root Certificate Authority - G2" is a look-alike of
a different company, and AWS's chains no longer end in Starfield Class 2 since August 2024: neither counts.
"""

import re
from dataclasses import dataclass
from functools import cache

from onboard.resources import text


@dataclass(frozen=True, slots=True)
class AmazonRoot:
    """A root certificate. `sha256` is that of its DER, in hex; `file` its PEM under resources/certificates."""

    name: str
    file: str
    sha256: str
    required: bool = False  # one of these is enough to work today

    @property
    def pem(self) -> str:
        return text(f"certificates/{self.file}")

    @property
    def mark(self) -> str:
        """A stretch of its base64, from the middle of the public key, by which a script finds it in a bundle."""
        return _base64(self.file)[480:544]


@cache
def _base64(file: str) -> str:
    return re.sub(r"-----[A-Z ]+-----|\s", "", text(f"certificates/{file}"))


AMAZON_ROOTS = (
    AmazonRoot(
        "Amazon Root CA 1",
        "AmazonRootCA1.pem",
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        required=True,
    ),
    AmazonRoot(
        "Amazon Root CA 2",
        "AmazonRootCA2.pem",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    ),
    AmazonRoot(
        "Amazon Root CA 3",
        "AmazonRootCA3.pem",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    ),
    AmazonRoot(
        "Amazon Root CA 4",
        "AmazonRootCA4.pem",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    ),
    AmazonRoot(
        "Starfield Services Root Certificate Authority - G2",
        "SFSRootCAG2.pem",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        required=True,
    ),
)
