"""What is known about the servers of a draft: whether their identities are approved, which credentials are missing."""

from collections import Counter
from enum import StrEnum

from onboard.model.events import HostKeySeen
from onboard.model.profile import Profile
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus


class Identity(StrEnum):
    """How a server's host key was judged; those that need a person come first."""

    REFUSED = "refused"  # changed or revoked: never approved
    TO_APPROVE = "to_approve"
    NOT_REACHED = "not_reached"
    UNSEEN = "unseen"  # its key has not been read yet
    TRUSTED = "trusted"


def identity_of(state: HostState | None) -> Identity:
    """`state`: the server's entry in the State of `trust`; None when its key was not requested."""
    if state is None or not state.finished:
        return Identity.UNSEEN
    if state.status is HostStatus.READY:
        return Identity.TRUSTED
    key = key_of(state)
    if state.status is not HostStatus.UNTRUSTED or key is None:
        return Identity.NOT_REACHED
    return Identity.TO_APPROVE if key.trust == "new" else Identity.REFUSED


def key_of(state: HostState | None) -> HostKeySeen | None:
    """The key that the server showed last."""
    return state.keys[-1] if state is not None and state.keys else None


def unseen(profile: Profile, trust: State) -> list[str]:
    """Servers whose keys have not been read yet."""
    return [host.name for host in profile.hosts if identity_of(trust.hosts.get(host.name)) is Identity.UNSEEN]


def to_approve(profile: Profile, trust: State) -> dict[str, HostKeySeen]:
    """Server → the key that nobody has approved."""
    found = {}
    for host in profile.hosts:
        state = trust.hosts.get(host.name)
        key = key_of(state)
        if key is not None and identity_of(state) is Identity.TO_APPROVE:
            found[host.name] = key
    return found


def missing_credentials(profile: Profile) -> dict[str, int]:
    """Name of each credential that is used but not set up → number of servers that use it, the most used first."""
    used = Counter(host.credential for host in profile.hosts if host.credential not in profile.credentials)
    return dict(used.most_common())
