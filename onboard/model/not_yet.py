"""Keys of the profile whose feature does not exist yet. They are refused by name, never silently ignored.

When a feature arrives, its line goes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from onboard.model.errors import Problem
from onboard.model.formats import key_text

EXTRAS = {
    "output_bucket": "keeping the output of commands in S3",
    "output_prefix": "keeping the output of commands in S3",
    "status_topic": "notifying an SNS topic",
}
HOST_KEYS = {
    "jump": "reaching servers through a jump host",
}
PROTOCOLS = {
    "winrm": "reaching Windows servers",
    "winrm-http": "reaching Windows servers",
}
CREDENTIAL_KINDS = {
    "winrm-ntlm": "reaching Windows servers",
    "winrm-kerberos": "reaching Windows servers",
    "winrm-certificate": "reaching Windows servers",
}


def in_host(host: Mapping[str, Any], prefix: str) -> Iterator[Problem]:
    """What of a server's keys is not available; `prefix` comes before the key in what is named."""
    for key, feature in HOST_KEYS.items():
        if key in host:
            yield _unavailable(f"{prefix}{key}", feature, "Delete it")
    feature = _feature(PROTOCOLS, host.get("protocol"))
    if feature:
        yield _unavailable(f"{prefix}protocol", feature, "Leave the server out, or use ssh")


def in_profile(data: Mapping[str, Any]) -> Iterator[Problem]:
    """What of a profile's own keys is not available, its servers apart."""
    extras = data.get("extras")
    for key, feature in EXTRAS.items():
        if isinstance(extras, dict) and key in extras:
            yield _unavailable(f"extras.{key}", feature, "Delete it")
    credentials = data.get("credentials")
    for name, credential in credentials.items() if isinstance(credentials, dict) else ():
        feature = _feature(CREDENTIAL_KINDS, credential.get("kind") if isinstance(credential, dict) else None)
        if feature:
            yield _unavailable(f"credentials.{key_text(name)}.kind", feature, "Use ssh-key, ssh-password or ssh-agent")


def _feature(features: Mapping[str, str], value: object) -> str:
    return features.get(value, "") if isinstance(value, str) else ""


def _unavailable(key: str, feature: str, remedy: str) -> Problem:
    return Problem(key, f"{feature} is not available in this version", remedy)
