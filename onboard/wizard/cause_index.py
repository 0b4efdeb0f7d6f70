"""Groups equal causes server by server: regrouping all servers takes too long while results stream in."""

from collections.abc import Collection, Iterable

from onboard.model.causes import CauseKey, cause_of, key_of
from onboard.model.finding import Cause
from onboard.model.outcome import WORST_FIRST, troubles
from onboard.model.state import HostState
from onboard.model.status import HostStatus
from onboard.model.words import Wording, merged


class CauseIndex:
    """Maintains the same groups as `causes_of`."""

    def __init__(self) -> None:
        self._hosts: dict[CauseKey, dict[str, Wording]] = {}
        self._keys: dict[str, Collection[CauseKey]] = {}
        self._words: dict[CauseKey, Wording] = {}  # cache of merged wordings, filled on request

    def update(self, hosts: Iterable[HostState]) -> None:
        """Replace the recorded causes of these servers."""
        for host in hosts:
            found = _causes(host)
            for key in self._keys.get(host.name, ()):
                if key not in found:
                    self._hosts[key].pop(host.name, None)
                    self._words.pop(key, None)
            for key, words in found.items():
                self._hosts.setdefault(key, {})[host.name] = words
                self._words.pop(key, None)
            if found or host.name in self._keys:
                self._keys[host.name] = found.keys()

    def hosts(self, key: CauseKey) -> Collection[str]:
        """Names of the servers affected by a cause."""
        return self._hosts.get(key, {})

    def cause(self, key: CauseKey) -> Cause:
        """A cause that affects at least one server, in words that are true for all of them."""
        if key not in self._words:
            self._words[key] = merged(self._hosts[key].values())
        return cause_of(key, self._hosts[key], self._words[key])

    def in_order_seen(self) -> list[CauseKey]:
        """In the order first seen, stable while results stream in; without causes that no longer affect a server."""
        return [key for key, hosts in self._hosts.items() if hosts]

    def worst_first(self) -> list[CauseKey]:
        """The worst and most frequent first. Ties are broken by name, not by which server answered first."""
        return sorted(
            self.in_order_seen(),
            key=lambda key: (WORST_FIRST.index(key.status), -len(self._hosts[key]), key.check, key.template),
        )

    def matching(self, text: str) -> set[str]:
        """Names of servers with a cause whose words contain `text` (lower case)."""
        return {
            name for hosts in self._hosts.values() for name, words in hosts.items() if text in words.sentence.lower()
        }


def _causes(host: HostState) -> dict[CauseKey, Wording]:
    if host.status is HostStatus.READY:  # a shortcut: true for nearly all servers
        return {}
    return {key_of(finding): finding.words for finding in troubles(host)}
