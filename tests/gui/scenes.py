"""A made-up data centre of 248 servers and the engine's events about it, for screenshots and tests of pages."""

from collections.abc import Iterator, Sequence

from onboard.model import events
from onboard.model.causes import causes_of
from onboard.model.finding import Finding, Verdict
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.profile import Profile
from onboard.model.state import fold
from onboard.model.status import HostStatus

SERVERS = 248
CANARY = 5
STARTED = "2026-11-24T13:02:11+00:00"
LONG_NAME = "srv-warehouse-automation-gateway-07.hall-3.frankfurt-am-main.datacentre.example.com"
BLOCKED = (
    ("clock_in_sync", "Clock 7 minutes slow", "systemctl enable --now chronyd", "server 13:55:09Z\nAWS    14:02:12Z"),
    ("clock_in_sync", "Clock 7 minutes slow", "systemctl enable --now chronyd", "server 13:55:10Z\nAWS    14:02:12Z"),
    ("clock_in_sync", "Clock 7 minutes slow", "systemctl enable --now chronyd", "server 13:55:08Z\nAWS    14:02:13Z"),
    ("root_certificates_present", "No Amazon root certificate", "Add the five roots", "0 of 5 in the trust store"),
    ("endpoints_reachable", "Cannot reach ssmmessages.eu-central-1", "Open TCP 443", "10.20.0.1: refused"),
    ("disk_space_sufficient", "No space left on /var", "Free 200 MB on /var", "/var: 3 MB of 8 GB free"),
)


def names(count: int = SERVERS) -> tuple[str, ...]:
    """Server names as people choose them, one of them long."""
    kinds = ("app", "db", "web", "file", "hr", "build", "mail", "cache")
    made = [f"srv-{kind}-{number:02d}" for number in range(1, count // len(kinds) + 2) for kind in kinds]
    return (*made[: count - 1], LONG_NAME)


def profile(count: int = SERVERS) -> Profile:
    hosts = [
        {"name": name, "address": f"10.20.{number // 200}.{number % 200 + 10}", "credential": "linux"}
        for number, name in enumerate(names(count))
    ]
    return Profile.model_validate(
        {
            "name": "Frankfurt data centre",
            "region": {"name": "eu-central-1"},
            "run": {"canary": CANARY},
            "credentials": {"linux": {"kind": "ssh-key", "username": "admin", "key_file": "~/.ssh/onboard"}},
            "hosts": hosts,
        }
    )


def began(command: str, hosts: Sequence[str], run: str = "20261124-130211-3f9a") -> events.RunStarted:
    return events.RunStarted(
        run=run, command=command, profile="Frankfurt data centre", hosts=tuple(hosts), started=STARTED
    )


def ended(told: Sequence[events.Event], run: str = "20261124-130211-3f9a") -> events.RunFinished:
    """The last event of a stream that had these events."""
    state = fold(told)
    return events.RunFinished(run=run, hosts=state.counts(), causes=causes_of(state.hosts.values()))


def account() -> tuple[events.Event, ...]:
    identified = events.AccountIdentified(
        account="123456789012",
        arn="arn:aws:sts::123456789012:assumed-role/Onboarding/ada",
        partition="aws",
        region="eu-central-1",
        expires="2026-11-24T19:02:11+00:00",
    )
    return _whole("account", (), (identified,))


def preview() -> tuple[events.Event, ...]:
    room = events.HeadroomShown(tier="standard", nodes=31, adding=242, limit=1000, fits=True, activations=(242,))
    role = events.RoleShown(name="OnboardSSMServiceRole", exists=True, trust="{}", policies=(), changes=())
    return _whole("preview", (), (role, room))


def findings(blocked: int | None, number: int) -> tuple[Finding, ...]:
    passed = Finding(check="os_supported", status=Verdict.PASS, summary="Debian GNU/Linux 12")
    if blocked is not None:
        check, summary, remedy, evidence = BLOCKED[blocked]
        return (
            passed,
            Finding(check=check, status=Verdict.FAIL, summary=summary, remedy=remedy, evidence=evidence),
        )
    if number in (40, 41):
        little = Finding(
            check="disk_space_sufficient", status=Verdict.WARN, summary="Little disk space", remedy="Free 200 MB"
        )
        return (passed, little)
    return (passed,)


def is_blocked(number: int) -> int | None:
    """The fault of the server with this number: every fortieth is blocked."""
    return number // 40 if number % 40 == 39 and number // 40 < len(BLOCKED) else None


def check(count: int = SERVERS) -> tuple[events.Event, ...]:
    told: list[events.Event] = [events.PhaseStarted(phase="facts", total=count)]
    for number, name in enumerate(names(count)):
        blocked = is_blocked(number)
        found = findings(blocked, number)
        warned = HostStatus.WARNED if len(found) > 1 else HostStatus.READY
        status = HostStatus.BLOCKED if blocked is not None else warned
        told.append(events.HostJudged(host=name, status=status, findings=found))
        told.append(events.HostFinished(host=name, status=status, findings=found))
    return _whole("check", names(count), told)


def able(count: int = SERVERS) -> tuple[str, ...]:
    return tuple(name for number, name in enumerate(names(count)) if is_blocked(number) is None)


CHANGES = (
    Change(name="configure_agent", summary="Set Region in the agent's configuration"),
    Change(name="install_agent", summary="Install amazon-ssm-agent 3.3.4851.0"),
    Change(name="register_agent", summary="Register with Systems Manager in eu-central-1"),
    Change(name="start_agent", summary="Start the agent, now and with the system"),
    Change(name="place_nonce", summary="Place a nonce that only root can read, to be read back through AWS"),
)


def the_plan(count: int = SERVERS) -> Plan:
    hosts = able(count)
    return Plan(
        account="123456789012",
        region="eu-central-1",
        aws=(
            Change(name="create_activation", summary=f"Create an activation for {len(hosts)} servers, valid 4 h"),
            Change(name="confirm", summary=f"Ask {len(hosts)} servers through Run Command for the nonce placed there"),
        ),
        hosts=tuple(HostPlan(host=name, changes=CHANGES) for name in hosts),
    )


def plan(count: int = SERVERS) -> tuple[events.Event, ...]:
    return _whole("plan", names(count), (events.PlanMade(plan=the_plan(count)),))


def _whole(command: str, hosts: Sequence[str], told: Sequence[events.Event]) -> tuple[events.Event, ...]:
    everything = (began(command, hosts), *told)
    return (*everything, ended(everything))


# A run of apply

DPKG = "dpkg is locked by unattended-upgrades: tried 5 times over 60 s"
DPKG_REMEDY = "Wait until unattended-upgrades has ended, then retry: systemctl stop unattended-upgrades"


def node(number: int) -> str:
    return f"mi-{(number + 1) * 0x9E3779B97F4A7C15 % 2**68:017x}"


def apply_begins(count: int = SERVERS) -> Iterator[events.Event]:
    """Events up to the first wave: survey, plan, activation, and the end of blocked servers."""
    yield began("apply", names(count))
    yield events.PhaseStarted(phase="facts", total=count)
    for number, name in enumerate(names(count)):
        blocked = is_blocked(number)
        if blocked is not None:
            yield events.HostFinished(host=name, status=HostStatus.BLOCKED, findings=findings(blocked, number))
    yield events.PlanMade(plan=the_plan(count))
    size = len(able(count))
    yield events.AwsChanged(
        change="create_activation", subject="0c7b1f6e-5a52-4f0b-9b0e-3f6d8d1c2a77", summary=f"Created it for {size}"
    )


def onboarded(number: int, name: str, steps: int = 5, *, confirm: bool = True) -> Iterator[events.Event]:
    """The steps of one server: all of them, or only the first."""
    for change in CHANGES[:steps]:
        yield events.StepStarted(host=name, step=change.name)
        learned = node(number) if change.name == "register_agent" else None
        yield events.StepFinished(
            host=name, step=change.name, outcome="done", detail=change.summary, instance_id=learned
        )
    if steps == len(CHANGES):
        yield events.StepStarted(host=name, step="confirm")
        if confirm:
            detail = f"{node(number)} answered with its nonce"
            yield events.StepFinished(
                host=name, step="confirm", outcome="done", detail=detail, instance_id=node(number)
            )
    else:
        yield events.StepStarted(host=name, step=CHANGES[steps].name)


def dpkg_locked(name: str) -> Iterator[events.Event]:
    yield from list(onboarded(0, name, 1))
    yield events.StepFinished(host=name, step="install_agent", outcome="failed", detail=DPKG)
    yield events.HostFinished(host=name, status=HostStatus.FAILED, reason=DPKG, remedy=DPKG_REMEDY)


def apply_goes_on(done: int = 117, count: int = SERVERS) -> Iterator[events.Event]:
    """The canary and `done` servers proven, one failed, ten in progress."""
    hosts = able(count)
    numbered = list(enumerate(hosts))
    yield events.PhaseStarted(phase="canary", total=CANARY)
    for number, name in numbered[:CANARY]:
        yield from onboarded(number, name)
    yield events.PhaseStarted(phase="install", total=len(hosts) - CANARY)
    for number, name in numbered[CANARY:done]:
        yield from onboarded(number, name)
    yield from dpkg_locked(hosts[done])
    for number, name in numbered[done + 1 : done + 11]:
        yield from onboarded(number, name, number % 6, confirm=False)


def apply_ends(count: int = SERVERS, *, left: str = "") -> Iterator[events.Event]:
    """Every server's end: all online but those in `apply_goes_on` that failed. `left`: an activation that remains."""
    hosts = able(count)
    for number, name in enumerate(hosts):
        if number != 117:
            yield events.HostFinished(host=name, status=HostStatus.ONLINE, instance_id=node(number))
    subject = "0c7b1f6e-5a52-4f0b-9b0e-3f6d8d1c2a77"
    if left:
        yield events.Noted(text=f"Activation {subject} could not be deleted. {left}", level="warning")
    else:
        yield events.AwsChanged(change="delete_activation", subject=subject, summary="Deleted the activation")


def whole_apply(count: int = SERVERS) -> tuple[events.Event, ...]:
    told = (*apply_begins(count), *apply_goes_on(count=count), *apply_ends(count))
    return (*told, ended(told))
