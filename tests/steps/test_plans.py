"""What steps plan from facts, without any server."""

import json
import re
import subprocess
from dataclasses import replace

import pytest

from onboard.checks.base import Context
from onboard.facts import amazon_roots, bundle
from onboard.facts.base import Answer, Facts, Wanted
from onboard.facts.catalog import FACTS, broken_off
from onboard.facts.posix import (
    agent,
    changes_pending,
    init_system,
    proxy_in_force,
    registration,
    root_certificates,
    sudo_logging,
    trust_anchors,
)
from onboard.hosts.connection import ScriptResult
from onboard.model.endpoints import Endpoints
from onboard.model.package import Package
from onboard.model.profile import AgentSection, EndpointOverrides, Host, NetworkSection, Profile
from onboard.model.secret import Secret
from onboard.scripts.posix import POSIX
from onboard.steps.base import Before, StepFailed, Supplies
from onboard.steps.catalog import STEPS, planned
from onboard.steps.posix import configure_agent, configure_proxy
from onboard.steps.posix.install_roots import STORES

STEP = {step.name: step for step in STEPS}
ONLY_NONCE = ["place_nonce"]
KEPT = "configure_proxy from_a_later_version"
NODE = "mi-0123456789abcdef0"
WANTED = json.dumps({"Identity": {"ConsumptionOrder": ["OnPrem"]}, "Profile": {"ShareCreds": False}})
PACKAGE = agent.AgentPackage("deb", "3.3.4851.0")


def running(**changes):
    value = agent.Agent(
        packages=(PACKAGE,),
        binaries=("/usr/bin/amazon-ssm-agent",),
        services=(agent.AgentService("amazon-ssm-agent", "active", "enabled"),),
        processes=(agent.AgentProcess(7, "/usr/bin/amazon-ssm-agent"),),
        config=WANTED,
    )
    return replace(value, **changes)


def before(*, network=None, fixes=frozenset(), package=None, **facts):
    values = {
        "agent": agent.Agent(),
        "registration": registration.AgentRegistration(),
        "changes_pending": changes_pending.ChangesPending(),
        "init_system": init_system.InitSystem("systemd", "252"),
        "proxy_in_force": proxy_in_force.ProxyInForce(),
        "trust_anchors": trust_anchors.TrustAnchors((STORES[0].tool,), (STORES[0].folder,)),
        "root_certificates": root_certificates.RootCertificates("x", 140, ()),
        **facts,
    }
    context = Context(
        Profile(network=network or NetworkSection()),
        "eu-central-1",
        "123456789012",
        Endpoints(*("https://x.invalid",) * 4),
    )
    known = {name: value for name, value in values.items() if value is not None}
    facts = Facts(known)
    return planned(Before(Host(name="web"), facts, context, fixes, package, broken_off(facts)))[0]


def plan(given):
    return [change.name for change in planned(replace(given, planned=()))[1]]


def the_package(tmp_path, version="3.3.4851.0"):
    return Package(tmp_path / "x.deb", "deb", "amd64", version, "0" * 64)


def well(**facts):
    return before(**{"agent": running(), "registration": registration.AgentRegistration(NODE, "eu-central-1"), **facts})


def test_a_new_server_gets_everything_it_needs_in_order(tmp_path):
    given = before(package=the_package(tmp_path), fixes=frozenset({"install_roots"}))
    with_proxy = NetworkSection(proxy="http://proxy.invalid:3128")
    assert plan(given) == [
        "install_roots", "configure_agent", "install_agent", "register_agent", "start_agent", "place_nonce",
    ]  # fmt: skip
    assert "configure_proxy" in plan(before(network=with_proxy))


def test_plans_of_an_unchanged_world_are_equal(tmp_path):
    given = before(package=the_package(tmp_path), fixes=frozenset({"install_roots"}))
    assert [step.plan(given) for step in STEPS] == [step.plan(given) for step in STEPS]
    for step in STEPS:
        change = step.plan(given)
        assert "run1" not in str(change)
        assert all(isinstance(value, str) for value in step.planned_undo(given, Supplies("run1")).values())


def test_a_server_that_is_well_is_left():
    assert plan(well()) == ONLY_NONCE


@pytest.mark.parametrize(
    "changes",
    [
        {"processes": ()},
        {"processes": (agent.AgentProcess(7, ""), agent.AgentProcess(8, ""))},
        {"services": (agent.AgentService("amazon-ssm-agent", "inactive", "enabled"),)},
        {"services": (agent.AgentService("amazon-ssm-agent", "active", "disabled"),)},
    ],
)
def test_an_agent_that_does_not_run_as_it_should_is_started(changes):
    assert plan(well(agent=running(**changes))) == ["start_agent", *ONLY_NONCE]


def test_a_running_agent_is_restarted_for_new_settings():
    assert plan(well(agent=running(config="{}"))) == ["configure_agent", "start_agent", *ONLY_NONCE]


@pytest.mark.parametrize("step", ["configure_agent", "register_agent"])
def test_an_apply_that_was_broken_off_is_planned_again(step):
    left = changes_pending.ChangesPending((f"{step}.undo",))
    assert plan(well(changes_pending=left)) == [step, "start_agent", *ONLY_NONCE]


def test_a_damaged_registration_hides_no_apply_that_was_broken_off():
    """Our own records on the server are a fact of their own."""
    found = answered(registration='registration {"ManagedInst', changes_pending="pending configure_agent.undo")
    assert "damaged" in found.unknown()["registration"]
    assert broken_off(found) == {"configure_agent"}


def answered(**printed):
    facts = [fact for fact in FACTS if fact.name in printed]
    output = {name: Answer(f"{text}\nasked all\n") for name, text in printed.items()}
    script = bundle.compose(POSIX, facts, Wanted(Endpoints(*("https://x.invalid",) * 4)))
    return bundle.parse(facts, ScriptResult(0, bundle.answer(script, output), b""))


def test_an_agent_is_restarted_after_steps_that_disturb_it_only():
    assert STEP["start_agent"].plan(replace(well(), planned=(STEP["configure_agent"],))) is not None
    assert STEP["start_agent"].plan(replace(well(), planned=(STEP["place_nonce"],))) is None


class Asked:
    """A connection that keeps the script it is given."""

    host = Host(name="web")

    def run_script(self, text, **options):
        self.variables = POSIX.variables(text)
        return ScriptResult(0, b"changed=yes\n", b"")


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (changes_pending.ChangesPending(), ""),
        (changes_pending.ChangesPending(("configure_agent.undo", "lock")), ""),  # it is made again
        (changes_pending.ChangesPending(("configure_proxy.undo", "from_a_later_version.undo")), KEPT),
        (None, "*"),
    ],
)
def test_records_that_a_run_does_not_take_up_are_kept(left, kept):
    connection = Asked()
    given = well(changes_pending=left)
    STEP["place_nonce"].apply(connection, given, Supplies("run1", nonce=Secret("n0nce")))
    assert connection.variables["kept"] == kept


def test_roots_of_a_broken_off_apply_are_the_change_that_was_approved():
    fixes = frozenset({"install_roots"})
    approved = STEP["install_roots"].plan(before(fixes=fixes))
    have = tuple(sorted(root.sha256 for root in amazon_roots.AMAZON_ROOTS))
    trusted = root_certificates.RootCertificates("x", 145, have)
    left = changes_pending.ChangesPending(("install_roots.undo",))
    again = STEP["install_roots"].plan(before(root_certificates=trusted, changes_pending=left))
    assert approved.covers(again)
    assert STEP["install_roots"].plan(before(fixes=fixes, root_certificates=trusted)) is None


def test_a_registration_of_any_region_is_never_planned_over():
    assert "register_agent" not in plan(well(registration=registration.AgentRegistration(NODE, "us-west-2")))


def test_an_unknown_fact_plans_the_change_whose_script_looks_again():
    assert "register_agent" in plan(well(registration=None))
    assert "start_agent" in plan(well(agent=None))


@pytest.mark.parametrize(
    ("installed", "offered", "summary"),
    [
        ("", "3.3.4851.0", "Install the agent 3.3.4851.0"),
        ("3.3.987.0", "3.3.4851.0", "Upgrade the agent from 3.3.987.0 to 3.3.4851.0"),
        ("3.3.4851.0", "3.3.4851.0", None),
        ("3.3.4851.0-1", "3.3.4851.0", None),
        ("3.3.4851.0", "3.3.987.0", None),
    ],
)
def test_versions_are_compared_as_numbers_and_never_lowered(tmp_path, installed, offered, summary):
    packages = (agent.AgentPackage("deb", installed),) if installed else ()
    change = STEP["install_agent"].plan(before(agent=agent.Agent(packages), package=the_package(tmp_path, offered)))
    assert (change.summary if change else None) == summary
    if change:
        assert change.detail["sha256"] == "0" * 64
        assert change.altered == ((("version", installed, offered),) if installed else ())


def test_what_was_broken_off_is_installed_again_and_no_upgrade(tmp_path):
    pending = changes_pending.ChangesPending(("install_agent.undo",))
    change = STEP["install_agent"].plan(
        before(agent=agent.Agent((PACKAGE,)), changes_pending=pending, package=the_package(tmp_path, PACKAGE.version))
    )
    assert change.summary == "Install the agent 3.3.4851.0 again, because it was interrupted"


def test_only_missing_roots_are_added():
    have = tuple(sorted(root.sha256 for root in amazon_roots.AMAZON_ROOTS[1:]))
    given = before(
        fixes=frozenset({"install_roots"}), root_certificates=root_certificates.RootCertificates("x", 140, have)
    )
    change = STEP["install_roots"].plan(given)
    assert change.summary == "Add 1 of Amazon's root certificates to the trust store"
    assert change.detail["Amazon Root CA 1"].startswith(f"SHA-256 {amazon_roots.AMAZON_ROOTS[0].sha256}")


@pytest.mark.parametrize(
    ("tools", "folders", "suffix"),
    [
        (("update-ca-certificates",), ("/usr/local/share/ca-certificates",), ".crt"),
        (("update-ca-certificates",), ("/etc/pki/trust/anchors",), ".pem"),
        (("update-ca-trust",), ("/etc/pki/ca-trust/source/anchors",), ".pem"),
    ],
)
def test_each_family_has_its_place_for_roots(tools, folders, suffix):
    given = before(fixes=frozenset({"install_roots"}), trust_anchors=trust_anchors.TrustAnchors(tools, folders))
    assert STEP["install_roots"].plan(given).detail["folder"] == folders[0]
    assert [store.suffix for store in STORES if store.folder == folders[0]] == [suffix]


def test_configuration_names_only_endpoints_that_are_overridden():
    overrides = EndpointOverrides(ssmmessages="https://mgs.invalid")
    change = STEP["configure_agent"].plan(before(network=NetworkSection(endpoints=overrides)))
    assert change.detail == {
        "file": configure_agent.PATH,
        "Identity.ConsumptionOrder": '["OnPrem"]',
        "Mgs.Endpoint": '"https://mgs.invalid"',
        "Profile.ShareCreds": "false",
    }


@pytest.mark.parametrize(
    ("config", "was"), [("{}", {}), ('{"Profile": {"ShareCreds": true, "ShareProfile": "x"}}', "true")]
)
def test_roots_own_credentials_are_the_agents_only_where_the_profile_says_so(config, was):
    given = before(agent=running(config=config))
    change = STEP["configure_agent"].plan(given)
    assert change.detail["Profile.ShareCreds"] == "false"
    assert change.before == ({"Profile.ShareCreds": was} if was else {})
    shared = replace(given.context, profile=Profile(agent=AgentSection(share_credentials=True)))
    asked = STEP["configure_agent"].plan(replace(given, context=shared))
    assert asked.detail["Profile.ShareCreds"] == "true"
    assert asked.before == {}


@pytest.mark.parametrize("config", ["{broken", "[]", "[" * 100000])
def test_a_damaged_configuration_does_not_stop_the_plan_of_other_servers(config):
    assert "configure_agent" in plan(well(agent=running(config=config)))


@pytest.mark.parametrize(
    ("init", "packages", "file"),
    [
        ("systemd", (), "/etc/systemd/system/amazon-ssm-agent.service.d/onboard-proxy.conf"),
        (
            "systemd",
            (agent.AgentPackage("snap", "3.3.4851.0"),),
            "/etc/systemd/system/snap.amazon-ssm-agent.amazon-ssm-agent.service.d/onboard-proxy.conf",
        ),
        ("upstart", (), "/etc/init/amazon-ssm-agent.override"),
    ],
)
def test_the_proxy_goes_where_the_service_reads_it(init, packages, file):
    network = NetworkSection(proxy="http://proxy.invalid:3128", no_proxy=("10.0.0.0/8",))
    given = before(network=network, init_system=init_system.InitSystem(init), agent=agent.Agent(packages))
    change = STEP["configure_proxy"].plan(given)
    assert change.detail == {
        "file": file,
        "http_proxy": "http://proxy.invalid:3128",
        "https_proxy": "http://proxy.invalid:3128",
        "no_proxy": "10.0.0.0/8,169.254.169.254",
    }


def test_a_proxy_that_is_replaced_is_named_without_its_password():
    told = proxy_in_force.FACT.parse(
        Answer(
            "services http_proxy http://all.invalid:1\nservices no_proxy 10.0.0.0/8\n"
            "agent HTTPS_PROXY http://eve:t0p@secret@old.invalid:8080\n"
            "agent no_proxy 169.254.169.254\nlogin http_proxy http://people.invalid:1\nasked all\n"
        )
    )
    change = STEP["configure_proxy"].plan(
        before(network=NetworkSection(proxy="http://proxy.invalid:3128"), proxy_in_force=told)
    )
    assert change.altered == (
        ("http_proxy", "http://all.invalid:1", "http://proxy.invalid:3128"),
        ("https_proxy", "http://old.invalid:8080", "http://proxy.invalid:3128"),
    )
    assert "secret" not in str(change)


def test_configuration_that_is_altered_is_named_without_passwords():
    config = {
        "Identity": {"ConsumptionOrder": ["OnPrem", "EC2"], "Other": "stays"},
        "Mgs": {"Endpoint": "https://eve:t0psecret@old.invalid"},
        "Ssm": {"Endpoint": ["https://eve:t0p@secret@old.invalid", {"x": "eve:t0psecret@older.invalid"}]},
        "S3": {"Endpoint": "https://s3.invalid"},
        "Mds": "https://eve:t0psecret@old.invalid",
    }
    hosts = {name: f"https://{name}.invalid" for name in ("ssm", "ec2messages", "ssmmessages", "s3")}
    network = NetworkSection(endpoints=EndpointOverrides(**hosts))
    change = STEP["configure_agent"].plan(before(network=network, agent=running(config=json.dumps(config))))
    assert change.before == {
        "Identity.ConsumptionOrder": '["OnPrem", "EC2"]',
        "Mgs.Endpoint": '"https://old.invalid"',
        "Ssm.Endpoint": '["https://old.invalid", {"x": "older.invalid"}]',
    }
    assert set(change.before) < set(change.detail)
    assert "secret" not in str(change)


def test_a_server_without_an_agent_has_nothing_that_is_altered(tmp_path):
    network = NetworkSection(proxy="http://proxy.invalid:3128")
    changes = [step.plan(before(network=network, package=the_package(tmp_path))) for step in STEPS]
    assert not any(change.before for change in changes if change)


def test_a_proxy_that_is_set_is_left():
    network = NetworkSection(proxy="http://proxy.invalid:3128")
    path = "/etc/systemd/system/amazon-ssm-agent.service.d/onboard-proxy.conf"
    # As it is written, spelled out: what the server hashes must be what this computer expects.
    text = (
        "# Written by Onboard, which removes it when it is undone.\n[Service]\n"
        'Environment="http_proxy=http://proxy.invalid:3128"\n'
        'Environment="https_proxy=http://proxy.invalid:3128"\n'
        'Environment="no_proxy=169.254.169.254"\n'
    )
    digest = configure_proxy.sha256(text.encode()).hexdigest()
    drop_in = proxy_in_force.DropIn(path, digest, "")
    given = before(network=network, proxy_in_force=proxy_in_force.ProxyInForce(drop_ins=(drop_in,)))
    assert STEP["configure_proxy"].plan(given) is None
    other = replace(drop_in, sha256="0" * 64)
    given = before(network=network, proxy_in_force=proxy_in_force.ProxyInForce(drop_ins=(other,)))
    assert STEP["configure_proxy"].plan(given) is not None


class WithoutUploads:
    """A kind of connection that cannot do more than run scripts."""

    can = frozenset()

    def upload(self, *_, **__):
        raise AssertionError("asked for what it cannot do")


def test_a_package_is_not_sent_over_a_connection_that_has_no_uploads(tmp_path):
    given = before(package=the_package(tmp_path))
    supplies = Supplies(attempt="")
    with pytest.raises(StepFailed, match="cannot be sent over this kind of connection"):
        STEP["install_agent"].apply(WithoutUploads(), given, supplies)


def test_the_plan_says_where_sudo_keeps_the_activation_code() -> None:
    recorded = sudo_logging.SudoLogging(("log_input",), "/srv/sudo-io")
    quiet, told = (
        STEP["register_agent"].plan(before(sudo_logging=found)) for found in (sudo_logging.SudoLogging(), recorded)
    )
    assert "sudo" not in quiet.summary
    assert "keeps a record of the activation code, in clear, in /srv/sudo-io" in told.summary
    assert quiet.covers(told), "the change is the same"


@pytest.mark.parametrize(("content", "printed"), [("5ca1ab1e" * 8, "5ca1ab1e" * 8), ("<" * 200_000, "<" * 2048)])
def test_what_is_read_back_through_aws_is_small_whatever_lies_there(tmp_path, content, printed):
    """The agent never sends an answer that is too large, and the command would time out without a reason."""
    (tmp_path / "nonce-a1").write_text(content)
    ask = STEP["place_nonce"].proof("a1").ask.replace("/var/lib/onboard", str(tmp_path))
    assert subprocess.run(["sh", "-c", ask], capture_output=True, text=True, check=True).stdout == printed


def given_by(word, tmp_path):
    """A server whose facts, profile and package all contain `word`: everything a summary may name."""
    many = len(word) % 4
    facts = {
        "sudo_logging": sudo_logging.SudoLogging(("log_input",), f"/srv/{word}"),
        "root_certificates": root_certificates.RootCertificates(
            "x", 140, tuple(sorted(root.sha256 for root in amazon_roots.AMAZON_ROOTS[many:]))
        ),
        "agent": agent.Agent((agent.AgentPackage("deb", f"1.0-{word}"),)),
    }
    network = NetworkSection(proxy=f"http://{word}.invalid:3128")
    given = before(
        network=network, fixes=frozenset({"install_roots"}), package=the_package(tmp_path, f"2.0-{word}"), **facts
    )
    return replace(given, context=replace(given.context, region=word), planned=())


def test_what_the_server_and_the_profile_give_are_values_of_a_summary(tmp_path):
    one, other = (
        [step.change(given_by(word, tmp_path)) for step in STEPS if step.applies(given_by(word, tmp_path))]
        for word in ("alpha", "omikron")
    )
    assert {change.name for change in one} == {step.name for step in STEPS}
    assert [change.template for change in one] == [change.template for change in other]
    for change in (*one, *other):
        assert change.sentence == change.summary
        assert not re.search("alpha|omikron", change.template), change.template
    named = {change.name for change in one if "alpha" in change.summary}
    assert named == {"configure_proxy", "install_agent", "register_agent"}
    assert [change.summary for change in one if change.name == "install_roots"] == [
        "Add 1 of Amazon's root certificates to the trust store"
    ]
