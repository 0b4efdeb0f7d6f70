"""Servers are judged again when a fix is allowed; causes are grouped as the engine groups them."""

import random

from onboard.model.causes import causes_of
from onboard.model.finding import Finding, Verdict
from onboard.model.profile import Host, Profile
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.wizard.cause_index import CauseIndex
from onboard.wizard.finding_words import finding_of, sentence, status_of, to_check_again

GOOD = Finding(check="os_supported", status=Verdict.PASS, summary="Debian 12 is supported")
ROOTS = Finding(check="root_certificates_present", status=Verdict.FAIL, summary="no root", fix="install_roots")
SLOW = Finding(check="clock_in_sync", status=Verdict.FAIL, summary="clock 7 minutes slow", remedy="Set it: sudo x")
LITTLE = Finding(check="disk_space_sufficient", status=Verdict.WARN, summary="little room")


def host(name: str, status: HostStatus | None, *findings: Finding, reason: str = "") -> HostState:
    return HostState(name, ended=status, findings=findings, reason=reason)


def test_an_allowed_fix_unblocks_a_server_and_a_forbidden_one_blocks_it_again() -> None:
    blocked = host("a", HostStatus.BLOCKED, GOOD, ROOTS)
    assert status_of(blocked, ()) is HostStatus.BLOCKED
    assert status_of(blocked, ("install_roots",)) is HostStatus.WARNED
    assert status_of(host("a", HostStatus.WARNED, GOOD, ROOTS), ()) is HostStatus.BLOCKED
    assert status_of(host("a", HostStatus.BLOCKED, ROOTS, SLOW), ("install_roots",)) is HostStatus.BLOCKED


def test_other_ends_stay_as_the_engine_told_them() -> None:
    lost = Finding(check="reachable", status=Verdict.FAIL, summary="no answer")
    assert status_of(host("a", HostStatus.UNREACHABLE, lost), ("install_roots",)) is HostStatus.UNREACHABLE
    assert status_of(host("a", HostStatus.READY, GOOD), ()) is HostStatus.READY
    assert status_of(host("a", None), ()) is None
    assert status_of(None, ()) is None


def test_what_failed_or_was_never_checked_is_checked_again() -> None:
    profile = Profile(hosts=tuple(Host(name=name) for name in ("bad", "good", "new", "repairable", "skipped")))
    state = State(
        hosts={
            "bad": host("bad", HostStatus.BLOCKED, SLOW),
            "good": host("good", HostStatus.READY, GOOD),
            "gone": host("gone", HostStatus.BLOCKED, SLOW),
            "repairable": host("repairable", HostStatus.BLOCKED, ROOTS),
            "skipped": host("skipped", HostStatus.SKIPPED),
        }
    )
    assert to_check_again(profile, state) == ["bad", "new", "repairable", "skipped"]
    run = profile.run.model_copy(update={"fixes": ("install_roots",)})
    assert to_check_again(profile.model_copy(update={"run": run}), state) == ["bad", "new", "skipped"]


def test_a_finding_is_found_by_its_check_and_a_reason_without_any() -> None:
    skipped = host("a", HostStatus.SKIPPED, reason="Stopped before its turn")
    assert finding_of(host("a", HostStatus.BLOCKED, GOOD, SLOW), "clock_in_sync") is SLOW
    assert finding_of(skipped, "clock_in_sync") is None
    reason = finding_of(skipped, "")
    assert reason is not None
    assert reason.summary == "Stopped before its turn"
    assert finding_of(None, "") is None


def test_a_summary_begins_a_sentence_unless_it_begins_with_a_name() -> None:
    assert sentence("clock 7 minutes slow") == "Clock 7 minutes slow"
    assert sentence("ssmmessages: connection refused") == "ssmmessages: connection refused"
    assert sentence("dpkg was interrupted") == "dpkg was interrupted"


def test_the_index_groups_as_the_engine_does_whatever_comes_in_whichever_order() -> None:
    chance = random.Random(4)  # noqa: S311 - the same each time
    hosts: dict[str, HostState] = {}
    index = CauseIndex()
    for _ in range(500):
        name = f"srv-{chance.randrange(40)}"
        found = tuple(one for one in (GOOD, ROOTS, SLOW, LITTLE) if chance.random() < 0.5)
        status = HostStatus.SKIPPED if not found else HostStatus.BLOCKED
        hosts[name] = host(name, status, *found, reason="" if found else "Stopped before its turn")
        index.update([hosts[name]])
    wanted = {(one.check, one.summary): set(one.hosts) for one in causes_of(hosts.values())}
    assert {(key.check, key.template): set(index.hosts(key)) for key in index.in_order_seen()} == wanted
    counts = [(key.status, len(index.hosts(key))) for key in index.worst_first()]
    assert counts == [(one.status, len(one.hosts)) for one in causes_of(hosts.values())]
    assert index.matching("7 minutes") == wanted["clock_in_sync", "clock 7 minutes slow"]
