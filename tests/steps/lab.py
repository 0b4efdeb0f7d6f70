"""A real host, a practice cloud it reaches, and the steps between them over real SSH and sudo."""

import json
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import aws_agent
import boto3
import pytest
from realhosts import RealHost, differences, real_hosts

from onboard.checks.base import Context
from onboard.facts import bundle
from onboard.facts.base import Wanted
from onboard.facts.catalog import FACTS, broken_off
from onboard.hosts.credentials import Secrets
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.connector import SshConnector
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.endpoints import Endpoints
from onboard.model.package import Package
from onboard.model.profile import Credential, CredentialKind, EndpointOverrides, Host, NetworkSection, Profile
from onboard.model.secret import Secret
from onboard.practice.cloud import Cloud, running_cloud
from onboard.practice.packages import build_deb, build_rpm
from onboard.scripts.posix import POSIX
from onboard.steps.base import Before, Done, Registration, Supplies
from onboard.steps.catalog import STEPS, planned

REGION = "eu-central-1"
VERSION = "3.3.4851.0"
STEP = {step.name: step for step in STEPS}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass
class Lab:
    """`done`: what each applied step returned, as the engine's journal has it."""

    host: RealHost
    cloud: Cloud
    folder: Path
    connector: SshConnector
    profile: Profile
    kind: str
    version: str = VERSION
    aws_agent: bytes = b""
    run: str = "run1"
    nonce: Secret = field(default_factory=lambda: Secret("5ca1ab1e" * 4))
    fixes: frozenset[str] = frozenset()
    known_nodes: frozenset[str] | None = None
    clients: dict[str, Any] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    done: dict[str, Done] = field(default_factory=dict)

    def connect(self):
        """As `ops`, who becomes root through sudo."""
        return closing(self.connector.connect(Host(name=self.host.name, address=self.host.address), CancelToken()))

    def client(self, service="ssm"):
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=self.cloud.endpoint_url,
                aws_access_key_id="AKIAPRACTICEPRACTICE",
                aws_secret_access_key="practice",
            )
        return self.clients[service]

    def take_aws_agent(self):
        """Install AWS's own agent instead of the stand-in: the .deb that ONBOARD_REAL_AGENT names."""
        self.aws_agent = aws_agent.package().read_bytes()
        self.version = aws_agent.version()

    def package(self):
        path = self.folder / f"amazon-ssm-agent.{self.kind}"
        builders = {"deb": build_deb, "rpm": build_rpm}
        path.write_bytes(self.aws_agent or builders[self.kind](self.version, "amd64"))
        return Package(path, self.kind, "amd64", self.version, sha256(path.read_bytes()).hexdigest())

    @property
    def endpoints(self):
        url = self.cloud.endpoint_url
        return Endpoints(ssm=url, ssmmessages=self.cloud.messages_url, ec2messages=url, s3=url)

    def before(self, connection, **changes):
        asked = connection.run_script(bundle.compose(POSIX, FACTS, Wanted(self.endpoints)), privileged=True)
        context = Context(self.profile, REGION, self.cloud.account, self.endpoints, self.known_nodes)
        facts = bundle.parse(FACTS, asked)
        before = Before(connection.host, facts, context, self.fixes, self.package(), broken_off(facts))
        return planned(replace(before, **changes))[0]

    def supplies(self):
        return Supplies(self.run, self.activation, self.nonce)

    def activation(self):
        made = self.client().create_activation(IamRole="practice", RegistrationLimit=1)
        self.codes.append(made["ActivationCode"])
        return Registration(made["ActivationId"], Secret(made["ActivationCode"]), REGION)

    def plan(self):
        with self.connect() as connection:
            before = self.before(connection)
        return [step.name for step in STEPS if step.plan(before)]

    def apply(self, *names):
        """Plan from fresh facts, and make the changes of the steps that are named, or of all."""
        with self.connect() as connection:
            before = self.before(connection)
            for step in STEPS:
                if step.plan(before) and step.name in (names or STEP):
                    self.done[step.name] = step.apply(connection, before, self.supplies())

    def undo(self):
        """Backwards, with what the journal has."""
        with self.connect() as connection:
            for step in reversed(STEPS):
                if step.name in self.done:
                    done = self.done.pop(step.name)
                    step.undo(connection, {**step.planned_undo(self.before(connection), self.supplies()), **done.undo})

    @property
    def node(self):
        return self.done["register_agent"].output["instance_id"]

    def calls(self, operation):
        return len(self.cloud.calls.of(operation))

    @contextmanager
    def restored(self):
        """At the end the host is as it was: file tree, packages, processes."""
        tree, packages = self.host.tree(), self.host.packages()
        yield
        changed = "\n".join(differences(tree, self.host.tree()))
        assert not changed, changed
        assert self.host.packages() == packages
        assert self.agents() == []

    def agents(self):
        """Command lines of the host's agents."""
        return [line for line in self.host.processes().values() if "amazon-ssm-agent" in line]


def wait_online(lab, node):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for one in lab.client().describe_instance_information()["InstanceInformationList"]:
            if (one["InstanceId"], one["PingStatus"]) == (node, "Online"):
                return
        time.sleep(0.1)
    raise AssertionError(f"{node} does not come online: {lab.agents()}")


@contextmanager
def a_lab(folder, kind="debian"):
    """`kind`: debian (without an init system), systemd, rhel-like; or mksh, busybox: which shell its /bin/sh is."""
    with ExitStack() as stack:
        fleet = stack.enter_context(real_hosts(1, systemd=kind == "systemd"))
        cloud = stack.enter_context(running_cloud(host=fleet.cloud_address))
        host = fleet[0]
        host.trust(cloud.authority)
        if kind == "rhel-like":
            host.become_rhel_like()
        elif kind in ("mksh", "busybox"):
            host.run(f"ln -sf /bin/{kind} /bin/sh")
        url = cloud.endpoint_url
        overrides = EndpointOverrides(ssm=url, ssmmessages=cloud.messages_url, ec2messages=url, s3=url)
        credentials = {"default": Credential(kind=CredentialKind.SSH_KEY, username="ops", key_file=str(fleet.key_file))}
        connector = SshConnector(
            credentials,
            secrets=Secrets(credentials, environment={}),
            known_hosts=KnownHosts.from_file(fleet.known_hosts),
            lockout=Lockout(folder / "lockout.json"),
            memory=LogInMemory(),
        )
        profile = Profile(network=NetworkSection(endpoints=overrides))
        lab = Lab(host, cloud, folder, connector, profile, "rpm" if kind == "rhel-like" else "deb")
        iam = lab.client("iam")
        iam.create_role(RoleName="practice", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.attach_role_policy(RoleName="practice", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
        yield lab


@pytest.fixture
def lab(tmp_path):
    with a_lab(tmp_path) as one:
        yield one


@pytest.fixture
def systemd_lab(tmp_path):
    with a_lab(tmp_path, "systemd") as one:
        yield one
