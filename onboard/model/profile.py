"""What the user decided: the profile, a frozen value. `onboard.profiles` reads, writes and checks the files."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1


class Section(BaseModel):
    """A frozen section that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class AwsSection(Section):
    profile: str | None = Field(None, description="Name of a profile in ~/.aws; empty: boto3's own search order.")
    endpoint_url: str | None = Field(None, description="Endpoint of every AWS API, for private or practice clouds.")


class RegionSection(Section):
    name: str | None = Field(None, description="AWS Region that the servers are registered in.")


class RoleSection(Section):
    name: str = Field("OnboardSSMServiceRole", description="IAM service role of the nodes: name with path, no ARN.")
    create: bool = Field(True, description="Create the role when it does not exist.")


class ActivationSection(Section):
    name: str = Field("onboard", description="Default instance name and description of the activation.")
    expires_in_hours: int = Field(4, ge=1, le=720, description="Life of the activation in hours.")
    tags: Mapping[str, str] = Field(default_factory=dict, description="Tags copied to every node.")


class EndpointOverrides(Section):
    ssm: str | None = None
    ssmmessages: str | None = None
    ec2messages: str | None = None
    s3: str | None = None


class NetworkSection(Section):
    proxy: str | None = Field(None, description="HTTP proxy of the servers' agents, http://HOST:PORT.")
    no_proxy: tuple[str, ...] = Field((), description="Hosts that agents reach without the proxy.")
    endpoints: EndpointOverrides = EndpointOverrides()


class AgentSection(Section):
    source: str = Field("aws", description="aws (the Region's bucket), an https:// mirror, or a folder.")
    version: str = Field("latest", description="latest, stable, or a version such as 3.3.4851.0.")
    verify_signature: bool = True


class ExtrasSection(Section):
    output_bucket: str | None = None
    output_prefix: str | None = None
    status_topic: str | None = None


class RunSection(Section):
    concurrency: int = Field(32, ge=1, le=512, description="Servers worked on at the same time.")
    canary: int = Field(1, ge=0, description="Servers installed first; the rest follow when all of them are online.")
    max_agent_starts: int = Field(10, ge=1, le=25, description="Agents between their start and Online at one time.")
    fixes: tuple[str, ...] = Field((), description="Steps allowed to repair what a check found, such as install_roots.")


class CredentialKind(StrEnum):
    SSH_KEY = "ssh-key"
    SSH_PASSWORD = "ssh-password"  # noqa: S105 - the name of a kind
    SSH_AGENT = "ssh-agent"
    WINRM_NTLM = "winrm-ntlm"
    WINRM_KERBEROS = "winrm-kerberos"
    WINRM_CERTIFICATE = "winrm-certificate"


class Credential(Section):
    """How to log in; never the secret itself. `sudo`: auto (root, or sudo with what is at hand), password, or never."""

    kind: CredentialKind
    username: str
    key_file: str | None = None
    sudo: Literal["auto", "password", "never"] = "auto"
    secret_command: tuple[str, ...] | str | None = Field(
        None,
        description="Command whose standard output is the secret; a list, or a string split as a shell splits words.",
    )


class Protocol(StrEnum):
    SSH = "ssh"
    WINRM = "winrm"
    WINRM_HTTP = "winrm-http"


class Host(Section):
    """A server. `address` defaults to `name`; `port` to the protocol's own."""

    name: str
    address: str = ""
    port: int | None = Field(None, ge=1, le=65535)
    protocol: Protocol = Protocol.SSH
    credential: str = "default"
    tags: Mapping[str, str] = Field(default_factory=dict)
    jump: str | None = None

    @property
    def target(self) -> tuple[str, int]:
        """(address, port) to connect to."""
        default = {Protocol.SSH: 22, Protocol.WINRM: 5986, Protocol.WINRM_HTTP: 5985}[self.protocol]
        return self.address or self.name, self.port or default


class Profile(Section):
    """One TOML file's worth of decisions. `hosts` holds those of `hosts_file` too, once loaded."""

    schema_: int = Field(SCHEMA_VERSION, alias="schema")
    name: str = ""
    hosts_file: str | None = None
    aws: AwsSection = AwsSection()
    region: RegionSection = RegionSection()
    role: RoleSection = RoleSection()
    activation: ActivationSection = ActivationSection()
    network: NetworkSection = NetworkSection()
    agent: AgentSection = AgentSection()
    extras: ExtrasSection = ExtrasSection()
    run: RunSection = RunSection()
    credentials: Mapping[str, Credential] = Field(default_factory=dict)
    hosts: tuple[Host, ...] = ()
