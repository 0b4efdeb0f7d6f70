"""Equal causes, kept up to date server by server: grouping all servers anew takes too long while they stream."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from onboard.model.finding import Verdict
from onboard.model.outcome import WORST_FIRST, troubles
from onboard.model.state import HostState
from onboard.model.status import HostStatus


@dataclass(frozen=True, slots=True)
class CauseKey:
    """What makes causes equal."""

    check: str
    status: Verdict
    summary: str
    remedy: str


class CauseIndex:
    """The same groups as `causes_of`."""

    def __init__(self) -> None:
        self._hosts: dict[CauseKey, dict[str, None]] = {}
        self._keys: dict[str, tuple[CauseKey, ...]] = {}

    def update(self, hosts: Iterable[HostState]) -> None:
        """Take these servers' causes anew."""
        for host in hosts:
            keys = _keys(host)
            for key in self._keys.get(host.name, ()):
                if key not in keys:
                    self._hosts[key].pop(host.name, None)
            for key in keys:
                self._hosts.setdefault(key, {})[host.name] = None
            if keys or host.name in self._keys:
                self._keys[host.name] = keys

    def hosts(self, key: CauseKey) -> Collection[str]:
        """Names of the servers that a cause concerns."""
        return self._hosts.get(key, {})

    def in_order_seen(self) -> list[CauseKey]:
        """Stable while servers stream in; causes that concern no server any more are left out."""
        return [key for key, hosts in self._hosts.items() if hosts]

    def worst_first(self) -> list[CauseKey]:
        """The worst and the most frequent first; equal ones as at the last time, whichever server answered first."""
        return sorted(
            self.in_order_seen(),
            key=lambda key: (WORST_FIRST.index(key.status), -len(self._hosts[key]), key.check, key.summary),
        )

    def matching(self, text: str) -> set[str]:
        """Names of servers with a cause whose words hold `text`, which is in lower case."""
        found: set[str] = set()
        for key, hosts in self._hosts.items():
            if text in key.summary.lower():
                found.update(hosts)
        return found


def _keys(host: HostState) -> tuple[CauseKey, ...]:
    if host.status is HostStatus.READY:  # nearly all of them, nearly always
        return ()
    return tuple(CauseKey(one.check, one.status, one.summary, one.remedy) for one in troubles(host))
