"""A fleet of any size as the engine reports it: all checks on every server, with faults typical of data centres."""

from collections.abc import Iterator
from dataclasses import replace

from onboard.model import events
from onboard.model.causes import causes_of
from onboard.model.finding import Finding, Verdict
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.profile import Profile
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.model.words import Command, Remedy, Text
from onboard.wizard.check_titles import check_titles

SYSTEMS = ("Red Hat Enterprise Linux 8.9 (Ootpa)", "Debian GNU/Linux 12 (bookworm)", "Ubuntu 22.04.4 LTS")
LONG = "srv-warehouse-automation-gateway-07.hall-3.frankfurt-am-main.datacentre.example.com"
ROOTS = (
    'Let Onboard add them: run.fixes = ["install_roots"]. Or by hand: copy them to /usr/local/share/ca-certificates '
    "and run: sudo update-ca-certificates"
)

CLOCK_COMMANDS = ("sudo systemctl enable --now chronyd", "sudo chronyc makestep")

# (one server in this many, its index among them, what is wrong)
FAULTS: tuple[tuple[int, int, Finding], ...] = (
    (
        83,
        21,
        Finding.of(
            "clock_in_sync",
            Verdict.FAIL,
            Text("clock {amount} slow", amount="7 minutes"),
            remedy=Remedy("Set the clock and keep it correct", *map(Command, CLOCK_COMMANDS)),
            evidence="-423 s against the endpoints",
        ),
    ),
    (
        248,
        37,
        Finding(
            check="root_certificates_present",
            status=Verdict.FAIL,
            summary="none of Amazon's root certificates is trusted",
            remedy=ROOTS,
            evidence="/etc/ssl/certs/ca-certificates.crt, 91 certificates; missing: Amazon Root CA 1, Amazon Root CA 2",
            fix="install_roots",
        ),
    ),
    (
        248,
        52,
        Finding(
            check="endpoints_reachable",
            status=Verdict.FAIL,
            summary="ssmmessages: connection refused",
            remedy="Allow TCP 443 out to the endpoints' names; a device on the way refuses it",
            evidence="https://ssmmessages.eu-central-1.amazonaws.com: refused by 10.20.0.1",
        ),
    ),
    (
        248,
        52,
        Finding(
            check="tls_not_intercepted",
            status=Verdict.UNKNOWN,
            summary="not known: who issued the endpoints' certificates",
            remedy="Check this server again",
            evidence="no certificate was seen",
        ),
    ),
    (
        124,
        66,
        Finding.of(
            "disk_space_sufficient",
            Verdict.WARN,
            "little room on /var",
            remedy=Remedy("Free some space there. This shows what uses it", Command("sudo du -xh /var | sort -h")),
            evidence="/: 8,120 MiB free, 200 MiB needed; /var: 161 MiB free, 150 MiB needed",
        ),
    ),
)
UNREACHABLE = 119  # one server in this many does not answer


def names(count: int) -> list[str]:
    kinds = ("app", "db", "file", "web", "hr", "mail")
    made = [f"srv-{kinds[number % len(kinds)]}-{number // len(kinds) + 1:02d}" for number in range(count)]
    if count > 60:
        made[52] = LONG
    return made


def profile(count: int) -> Profile:
    hosts = [
        {
            "name": name,
            "address": f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}",
            "credential": "linux",
            "tags": {"site": "fra" if number % 2 else "muc"},
        }
        for number, name in enumerate(names(count))
    ]
    return Profile.model_validate(
        {
            "name": "Frankfurt data centre",
            "region": {"name": "eu-central-1"},
            "credentials": {"linux": {"kind": "ssh-key", "username": "admin", "key_file": "~/.ssh/onboard"}},
            "hosts": hosts,
        }
    )


def findings(number: int) -> tuple[Finding, ...]:
    wrong = {fault.check: fault for every, which, fault in FAULTS if number % every == which}
    found = []
    for check in check_titles():
        evidence = SYSTEMS[number % 3] if check == "os_supported" else f"seen on server {number}"
        good = Finding(check=check, status=Verdict.PASS, summary=f"{check} is as it should be", evidence=evidence)
        found.append(wrong.get(check, good))
    return tuple(found)


def status(found: tuple[Finding, ...]) -> HostStatus:
    verdicts = {finding.status for finding in found}
    if Verdict.FAIL in verdicts:
        return HostStatus.BLOCKED
    return HostStatus.READY if verdicts == {Verdict.PASS} else HostStatus.WARNED


def account() -> tuple[events.Event, ...]:
    identified = events.AccountIdentified(
        account="123456789012", arn="arn:aws:iam::123456789012:user/ada", partition="aws", region="eu-central-1"
    )
    return (identified, events.RunFinished(run="", hosts={}))


def asked(count: int, answered: int) -> Iterator[events.Event]:
    """A check in progress, of which so many servers have answered."""
    listed = names(count)
    yield events.RunStarted(
        run="20261124-130211-3f9a", command="check", profile="", hosts=tuple(listed), started="2026-11-24T13:02:11Z"
    )
    yield events.PhaseStarted(phase="facts", total=count)
    for number in range(answered):
        if number % UNREACHABLE != UNREACHABLE - 1:
            yield events.FactsGathered(host=listed[number], facts={})
        else:
            yield _unreachable(listed[number])


def judged(count: int) -> Iterator[events.Event]:
    """What follows once all have answered."""
    state = State()
    listed = names(count)
    answering = [number for number in range(count) if number % UNREACHABLE != UNREACHABLE - 1]
    for number in answering:
        found = findings(number)
        event = events.HostJudged(host=listed[number], status=status(found), findings=found)
        state.fold(event)
        yield event
    for number, name in enumerate(listed):
        if number % UNREACHABLE == UNREACHABLE - 1:
            ended = _unreachable(name)
        else:
            host = state.hosts[name]
            assert host.status is not None
            ended = events.HostFinished(host=name, status=host.status, findings=host.findings)
        state.fold(ended)
        yield ended
    yield events.RunFinished(run="20261124-130211-3f9a", hosts=state.counts(), causes=causes_of(state.hosts.values()))


def checked(count: int) -> Iterator[events.Event]:
    yield from asked(count, count)
    yield from judged(count)


def _unreachable(name: str) -> events.HostFinished:
    what = "no answer to the connection"
    remedy = "See that the server is up and that TCP 22 is open from this computer"
    finding = Finding(
        check="reachable", status=Verdict.FAIL, summary=what, remedy=remedy, evidence="10.20.1.4:22 timed out"
    )
    return events.HostFinished(
        host=name, status=HostStatus.UNREACHABLE, findings=(finding,), reason=what, remedy=remedy
    )


PREPARE = Change(
    name="configure_agent",
    summary="Set Agent.Region in the agent's configuration",
    detail={"file": "/etc/amazon/ssm/amazon-ssm-agent.json", "Agent.Region": "eu-central-1"},
)
DEB, RPM = (
    Change(
        name="install_agent",
        summary="Install amazon-ssm-agent 3.3.4851.0",
        detail={"package": f"{kind} x86_64", "version": "3.3.4851.0", "sha256": digest * 8},
    )
    for kind, digest in (("deb", "9f2c41d7"), ("rpm", "b8417ea0"))
)
REST = (
    Change(
        name="register_agent",
        summary="Register with Systems Manager in eu-central-1",
        detail={"region": "eu-central-1"},
    ),
    Change(name="start_agent", summary="Start the agent, now and with the system"),
    Change(
        name="place_nonce",
        summary="Place a nonce that only root can read, to be read back through AWS",
        detail={"folder": "/var/lib/onboard"},
    ),
)
TRUST = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"Service": "ssm.amazonaws.com"},
      "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    }
  ]
}"""


def plan(count: int) -> Plan:
    """Debian-like and Red Hat-like servers, some with the agent installed; one in a hundred needs no change."""
    hosts = []
    for number, name in enumerate(names(count)):
        if number % UNREACHABLE == UNREACHABLE - 1 or not status(findings(number)).is_well:
            continue
        if number % 100 == 7:
            changes: tuple[Change, ...] = REST[-1:]
        else:
            changes = (PREPARE, RPM if number % 3 == 0 else DEB, *REST)
        hosts.append(HostPlan(host=name, changes=changes))
    registering = sum(len(host.changes) > 1 for host in hosts)
    role = "OnboardSSMServiceRole"
    return Plan(
        account="123456789012",
        region="eu-central-1",
        aws=(
            Change(
                name="create_role",
                summary=f"Create role {role}, which Systems Manager may assume for this account in eu-central-1",
                detail={"role": role, "trust": TRUST},
            ),
            Change(
                name="create_activation",
                summary=f"Create an activation for {registering} servers, valid 4 h, and delete it when the run ends",
                detail={"name": "onboard", "role": role, "expires_in_hours": "4"},
                at_most=registering,
            ),
            Change(
                name="confirm",
                summary=f"Ask {len(hosts)} servers through Run Command for the nonce placed there",
                detail={"document": "AWS-RunShellScript"},
                at_most=len(hosts),
            ),
        ),
        hosts=tuple(hosts),
        warnings=("Above 1,000 hybrid nodes, each costs USD 0.00695 an hour (advanced tier)",),
    )


PROXY = Change(
    name="configure_proxy",
    summary="Let the agent use the proxy http://proxy.fra.example.com:3128",
    detail={
        "file": "/etc/systemd/system/amazon-ssm-agent.service.d/onboard-proxy.conf",
        "http_proxy": "http://proxy.fra.example.com:3128",
        "https_proxy": "http://proxy.fra.example.com:3128",
        "no_proxy": "10.0.0.0/8,169.254.169.254",
    },
    before={"https_proxy": "http://old-proxy.example.com:8080"},
)
OLD_POLICY = '{\n  "Version": "2012-10-17",\n  "Statement": []\n}'


def altering(count: int) -> Plan:
    """Like `plan`, but with much in place: an old agent, a different proxy, a role."""
    made = plan(count)
    hosts = []
    for number, host in enumerate(made.hosts):
        changes = host.changes
        if len(changes) > 1 and number % 2 == 0:
            prepare, install, *rest = changes
            upgrade = replace(
                install, summary="Upgrade the agent from 3.2.582.0 to 3.3.4851.0", before={"version": "3.2.582.0"}
            )
            changes = (prepare, PROXY, upgrade, *rest)
        hosts.append(replace(host, changes=changes))
    trust = replace(made.aws[0], name="update_trust", summary="Let this account alone assume the role")
    return replace(made, aws=(replace(trust, before={"trust": OLD_POLICY}), *made.aws[1:]), hosts=tuple(hosts))


def planned(count: int) -> Iterator[events.Event]:
    """A run of plan; servers that are left out end as the checks found them."""
    yield from asked(count, count)
    yield events.PlanMade(plan=plan(count))
    yield from judged(count)


def applied(count: int) -> Iterator[events.Event]:
    """A run of apply on which every planned server comes online."""
    made = plan(count)
    listed = tuple(host.host for host in made.hosts)
    yield events.RunStarted(
        run="20261124-140211-3f9a", command="apply", profile="", hosts=listed, started="2026-11-24T14:02:11Z"
    )
    yield events.PlanMade(plan=made)
    yield events.PhaseStarted(phase="install", total=len(listed))
    for number, host in enumerate(made.hosts):
        for change in host.changes:
            yield events.StepStarted(host=host.host, step=change.name)
            yield events.StepFinished(host=host.host, step=change.name, outcome="done", detail=change.summary)
        yield events.HostFinished(host=host.host, status=HostStatus.ONLINE, instance_id=f"mi-{number:017x}")
    yield events.RunFinished(run="20261124-140211-3f9a", hosts={"online": len(listed)})
