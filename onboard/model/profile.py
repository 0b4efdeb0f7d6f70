"""What the user decided: the profile, a frozen value. `onboard.profiles` reads, writes and checks the files."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from onboard.model import formats
from onboard.model.place import Place

SCHEMA_VERSION = 1

RegionName = Annotated[str, AfterValidator(formats.region_name)]
RoleName = Annotated[str, AfterValidator(formats.role_name)]
InstanceName = Annotated[str, AfterValidator(formats.instance_name)]
Tags = Annotated[Mapping[str, str], AfterValidator(formats.tags)]
EndpointUrl = Annotated[str, AfterValidator(formats.endpoint_url)]
AgentEndpoint = Annotated[str, AfterValidator(formats.agent_endpoint)]
ProxyUrl = Annotated[str, AfterValidator(formats.proxy_url)]
NoProxyEntry = Annotated[str, AfterValidator(formats.no_proxy_entry)]
AgentSource = Annotated[str, AfterValidator(formats.agent_source)]
AgentVersion = Annotated[str, AfterValidator(formats.agent_version)]
CredentialName = Annotated[str, AfterValidator(formats.credential_name)]
UserName = Annotated[str, AfterValidator(formats.user_name)]
KeyFile = Annotated[str, AfterValidator(formats.key_file)]
Command = Annotated[tuple[str, ...] | str, BeforeValidator(formats.command)]
Moment = Annotated[str, AfterValidator(formats.moment)]
HostName = Annotated[str, AfterValidator(formats.host_name)]
Milliseconds = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
HostAddress = Annotated[str, AfterValidator(formats.host_address)]


class Section(BaseModel):
    """A frozen section that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class AwsSection(Section):
    profile: str | None = Field(None, description="Name of a profile in ~/.aws; empty: boto3's own search order.")
    endpoint_url: EndpointUrl | None = Field(
        None, description="Endpoint of every AWS API, for private or practice clouds."
    )


class MeasuredSection(Section):
    """Evidence for the choice of a Region, written by `onboard regions --save`."""

    date: Moment = Field("", description="When it was measured, ISO 8601 in UTC.")
    origin: str = Field("", description="From where: this computer, or the servers' names.")
    via: str = Field("", description="The way there: direct, tunnel, or a proxy.")
    recommended: RegionName | None = Field(None, description="The nearest Region.")
    ties: tuple[RegionName, ...] = Field(
        (), description="Regions whose distance could not be distinguished from its own."
    )
    medians: Mapping[RegionName, Milliseconds] = Field(
        default_factory=dict, description="Median time to connect to each Region that answered, in milliseconds."
    )


class RegionSection(Section):
    name: RegionName | None = Field(None, description="AWS Region that the servers are registered in.")
    measure_through: ProxyUrl | None = Field(
        None,
        description="HTTP proxy through which this computer measures Regions; "
        "empty: network.proxy, else this computer's own HTTPS_PROXY.",
    )
    measured: MeasuredSection | None = None


class RoleSection(Section):
    name: RoleName = Field(
        "OnboardSSMServiceRole", description="IAM service role of the nodes: name with path, no ARN."
    )
    create: StrictBool = Field(True, description="Create the role when it does not exist.")


class ActivationSection(Section):
    name: InstanceName = Field("onboard", description="Default instance name and description of the activation.")
    expires_in_hours: StrictInt = Field(4, ge=1, le=720, description="Life of the activation in hours.")
    tags: Tags = Field(default_factory=dict, description="Tags copied to every node.")


class EndpointOverrides(Section):
    """Endpoints as servers reach them, where they are not AWS's own: private endpoints, practice."""

    ssm: AgentEndpoint | None = None
    ssmmessages: AgentEndpoint | None = None
    ec2messages: AgentEndpoint | None = None
    s3: AgentEndpoint | None = None


class NetworkSection(Section):
    proxy: ProxyUrl | None = Field(None, description="HTTP proxy of the servers' agents, http://HOST:PORT.")
    no_proxy: tuple[NoProxyEntry, ...] = Field((), description="Hosts that agents reach without the proxy.")
    endpoints: EndpointOverrides = EndpointOverrides()


class AgentSection(Section):
    source: AgentSource = Field("aws", description="aws (the Region's bucket), an https:// mirror, or a folder.")
    version: AgentVersion = Field("latest", description="latest, stable, or a version such as 3.3.4851.0.")
    verify_signature: StrictBool = Field(True, description="Refuse agent packages that AWS did not sign.")
    share_credentials: StrictBool = Field(
        False,
        description="Let the agent write its node's credentials into root's ~/.aws/credentials, over [default].",
    )


class ExtrasSection(Section):
    output_bucket: str | None = None
    output_prefix: str | None = None
    status_topic: str | None = None


class RunSection(Section):
    concurrency: StrictInt = Field(32, ge=1, le=512, description="Servers worked on at the same time.")
    canary: StrictInt = Field(
        1, ge=0, description="Servers installed first; the rest follow when all of them are online."
    )
    max_agent_starts: StrictInt = Field(
        10, ge=1, le=25, description="Agents between their start and Online at the same time."
    )
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
    username: UserName
    key_file: KeyFile | None = None
    sudo: Literal["auto", "password", "never"] = "auto"
    secret_command: Command | None = Field(
        None,
        description="Command whose standard output is the secret; a list, or a string split as a shell splits words.",
    )


class Protocol(StrEnum):
    SSH = "ssh"
    WINRM = "winrm"
    WINRM_HTTP = "winrm-http"


class Host(Section):
    """A server. `address` defaults to `name`; `port` to the protocol's own."""

    name: HostName
    address: HostAddress = ""
    port: StrictInt | None = Field(None, ge=1, le=65535)
    protocol: Protocol = Protocol.SSH
    credential: str = "default"
    tags: Tags = Field(default_factory=dict)
    jump: str | None = None

    @property
    def place(self) -> Place:
        """Where it is reached, by which servers are told apart."""
        default = {Protocol.SSH: 22, Protocol.WINRM: 5986, Protocol.WINRM_HTTP: 5985}[self.protocol]
        return Place(self.address or self.name, self.port or default, (self.jump,) if self.jump else ())


class Profile(Section):
    """One TOML file's worth of decisions. `hosts` holds those of `hosts_file` too, once loaded."""

    schema_: StrictInt = Field(SCHEMA_VERSION, alias="schema")
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
    credentials: Mapping[CredentialName, Credential] = Field(default_factory=dict)
    hosts: tuple[Host, ...] = ()
