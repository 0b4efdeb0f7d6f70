"""What distinguishes this machine from its clones?"""

import base64
import binascii
from dataclasses import dataclass

from onboard.facts.base import Answer, Fact
from onboard.facts.lines import pairs
from onboard.hosts.ssh.host_key import HostKey


@dataclass(frozen=True, slots=True)
class MachineIdentity:
    """Whatever could not be read is "". `host_keys`: fingerprints as OpenSSH prints them, sorted."""

    machine_id: str = ""
    product_uuid: str = ""
    host_keys: tuple[str, ...] = ()


def parse(answer: Answer) -> MachineIdentity:
    machine_id = product_uuid = ""
    host_keys = set()
    for key, value in pairs(answer):
        if key == "machine_id" and value != "uninitialized":
            machine_id = value.lower()
        elif key == "product_uuid":
            product_uuid = value.lower()
        elif key == "host_key":
            host_keys.add(_fingerprint(value.partition(" ")[2]))
    return MachineIdentity(machine_id, product_uuid, tuple(sorted(host_keys - {""})))


def _fingerprint(key: str) -> str:
    """SHA256:… of a public key in base64; "" if it is not base64."""
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return HostKey(raw).fingerprint if raw else ""


FACT = Fact("machine_identity", parse)
