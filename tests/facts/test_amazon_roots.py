import hashlib
import ssl

import pytest
from cryptography import x509

from onboard.facts.amazon_roots import AMAZON_ROOTS, AmazonRoot
from onboard.resources import resource


@pytest.mark.parametrize("root", AMAZON_ROOTS, ids=lambda root: str(root.file))
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # serial number 0
def test_what_is_shipped_is_the_root_it_is_called(root: AmazonRoot) -> None:
    der = ssl.PEM_cert_to_DER_cert(root.pem)
    assert hashlib.sha256(der).hexdigest() == root.sha256
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert [name.value for name in names] == [root.name]


def test_the_published_fingerprints_are_these() -> None:
    """https://www.amazontrust.com/repository/, all five that a custom store shall have."""
    assert {root.name: root.sha256[:16] for root in AMAZON_ROOTS} == {
        "Amazon Root CA 1": "8ecde6884f3d87b1",
        "Amazon Root CA 2": "1ba5b2aa8c65401a",
        "Amazon Root CA 3": "18ce6cfe7bf14e60",
        "Amazon Root CA 4": "e35d28419ed02025",
        "Starfield Services Root Certificate Authority - G2": "568d6905a2c88708",
    }
    assert {root.name for root in AMAZON_ROOTS if root.required} == {
        "Amazon Root CA 1",
        "Starfield Services Root Certificate Authority - G2",
    }


def test_nothing_else_is_shipped() -> None:
    assert {entry.name for entry in resource("certificates").iterdir()} == {root.file for root in AMAZON_ROOTS}


def test_marks_tell_the_roots_apart() -> None:
    for root in AMAZON_ROOTS:
        assert len(root.mark) == 64
        assert [other.name for other in AMAZON_ROOTS if root.mark in other.pem.replace("\n", "")] == [root.name]
