"""Access to AWS: one boto3 session, whose clients are made when needed, by any thread."""

import difflib
import json
import logging
import threading
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import onboard
from onboard.aws import answers
from onboard.aws.endpoints import SUFFIXES, is_loopback, origin
from onboard.aws.failures import MfaNeeded, asking
from onboard.aws.waits import asking_a_person
from onboard.model.errors import AwsError, Problem, ProfileError
from onboard.model.profile import Profile
from onboard.model.secret import Secret
from onboard.model.words import Text

if TYPE_CHECKING:
    import boto3
    import botocore.session
    from botocore.config import Config
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

CONNECTIONS = 16

# Where to ask for the identity before a Region is chosen: Regions that every account of the partition has.
_HOME_REGIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_HOME_REGION = "us-east-1"

# At DEBUG these log bodies and headers: activation codes, what commands printed, session tokens.
_TALKATIVE = (
    "botocore.auth",
    "botocore.awsrequest",
    "botocore.endpoint",
    "botocore.handlers",
    "botocore.httpchecksum",
    "botocore.parsers",
)


class _NoBodies(logging.Filter):
    """Drops records below WARNING. A filter, because other code can change a logger's level."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


_NO_BODIES = _NoBodies()


class Aws:
    """Clients of one account and Region. Threads may share it.

    `region_is_decided`: False if nobody has chosen `region`, and it only serves to ask for the identity.
    """

    def __init__(
        self,
        session: "boto3.session.Session",
        *,
        region: str,
        endpoint_url: str | None = None,
        region_is_decided: bool = True,
    ) -> None:
        self._session = session
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # threads may share boto3's clients but must not create them at the same time
        self.region = region
        self.region_is_decided = region_is_decided
        self.partition = str(session.get_partition_for_region(region))

    @property
    def session(self) -> "boto3.session.Session":
        return self._session

    @property
    def ssm(self) -> "SSMClient":
        client: SSMClient = self._client("ssm")
        return client

    @property
    def iam(self) -> "IAMClient":
        client: IAMClient = self._client("iam")
        return client

    @property
    def sts(self) -> "STSClient":
        client: STSClient = self._client("sts")
        return client

    def client(self, service: str) -> Any:
        """A client for any other service, by boto3's name."""
        return self._client(service)

    @property
    def s3_endpoint(self) -> str:
        """URL at which this computer reaches S3."""
        custom = self._client("s3").meta.endpoint_url
        # In us-east-1 boto3 may return s3.amazonaws.com; the agent's bucket is at the Region's own host.
        own = f"https://s3.{self.region}.{SUFFIXES.get(self.partition, '')}"
        return own if origin(custom)[1].endswith(tuple(SUFFIXES.values())) else str(custom)

    @property
    def single_endpoint(self) -> str | None:
        """URL of a private or practice cloud, where SSM and S3 have the same origin; None for AWS itself."""
        ssm = str(self.ssm.meta.endpoint_url)
        return ssm if origin(ssm) == origin(self.s3_endpoint) else None

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _client(self, service: str) -> Any:
        with self._lock:
            client = self._clients.get(service)
            if client is None:
                client = self._clients[service] = self._make(service)
        return client

    def _make(self, service: str) -> Any:
        def make(proxies: dict[str, str] | None) -> Any:
            from botocore.config import Config

            config = Config(
                connect_timeout=answers.CONNECT_TIMEOUT,
                read_timeout=answers.READ_TIMEOUT,
                retries={"mode": "adaptive", "total_max_attempts": 1},
                max_pool_connections=CONNECTIONS,
                user_agent_extra=f"onboard/{onboard.__version__}",
                proxies=proxies,
            )
            return self._session.client(
                service,  # type: ignore[call-overload]
                region_name=self.region,
                endpoint_url=self._endpoint_url,
                config=config,
            )

        with asking(f"{service} client"):
            try:
                client = make(None)
                origin(client.meta.endpoint_url)
                if is_loopback(client.meta.endpoint_url) and urllib.request.getproxies():
                    client.close()
                    client = make({})  # a practice cloud on this computer is not behind the proxy
                answers.follow_rules(client)
            except json.JSONDecodeError:
                raise  # from a credential_process
            except ValueError as error:
                raise AwsError(
                    Text("the endpoint URL for {service} is wrong", service=service),
                    where=self._endpoint_url or "AWS_ENDPOINT_URL",
                    why=str(error),
                    remedy="Write it as https://HOST or http://HOST:PORT",
                ) from None
        return client


def open_aws(profile: Profile, *, mfa_code: Callable[[str], Secret] | None = None, needs_region: bool = True) -> Aws:
    """Open a session from boto3's standard sources; sends nothing.

    The Region is the profile's, else the session's. `mfa_code` is called with the prompt when a role needs MFA.
    Without `needs_region` the Region may be undecided: the identity is then asked for in one that always exists.
    Raises AwsError (unknown profile of ~/.aws, broken configuration) and ProfileError (missing or unknown Region).
    """
    import boto3
    import botocore.session

    keep_bodies_out_of_logs()
    with asking("AWS configuration"):
        core = botocore.session.Session(profile=profile.aws.profile)
        core.set_default_client_config(_waiting())  # also for the clients that fetch credentials
        of_session = core.get_config_variable("region")
        decided = profile.region.name or of_session
        region = decided or ("" if needs_region else _home_region(core))
        if region and not of_session:
            core.set_config_variable("region", region)  # the role is then assumed there as well, in the right partition
        chain = core.get_component("credential_provider")
        chain.get_provider("assume-role")._prompter = _prompter(mfa_code)
        session = boto3.session.Session(botocore_session=core)
    return Aws(
        session,
        region=_known(region, session),
        endpoint_url=profile.aws.endpoint_url,
        region_is_decided=bool(decided),
    )


def _waiting() -> "Config":
    from botocore.config import Config

    return Config(
        connect_timeout=answers.CONNECT_TIMEOUT,
        read_timeout=answers.READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": 2},
    )


def _home_region(core: "botocore.session.Session") -> str:
    """Where to ask for the identity. A role to assume names its partition in its ARN; access keys do not."""
    partition = str(core.get_scoped_config().get("role_arn", "")).removeprefix("arn:").partition(":")[0]
    return _HOME_REGIONS.get(partition, _HOME_REGION)


def keep_bodies_out_of_logs() -> None:
    """Silence botocore's loggers that log requests and answers, at any log level. Safe to repeat."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_NO_BODIES)


def _prompter(mfa_code: Callable[[str], Secret] | None) -> Callable[[str], str]:
    """The function that botocore calls for an MFA code, instead of reading it from the terminal."""

    def prompt(text: str) -> str:
        if mfa_code is None:
            raise MfaNeeded
        with asking_a_person():
            return mfa_code(text).reveal()

    return prompt


def _known(region: str | None, session: "boto3.session.Session") -> str:
    from botocore.exceptions import UnknownRegionError

    if not region:
        problem = "no Region is set"
        remedy = "Choose a Region, such as eu-central-1, or set AWS_DEFAULT_REGION"
        raise ProfileError("", (Problem("region.name", problem, remedy),))
    try:
        session.get_partition_for_region(region)
    except UnknownRegionError:
        partitions = session.get_available_partitions()
        names = [name for partition in partitions for name in session.get_available_regions("ssm", partition)]
        near = difflib.get_close_matches(region, names, 1)
        remedy = f"The nearest is {near[0]}" if near else "Write the Region's id, such as eu-central-1"
        raise ProfileError("", (Problem("region.name", f"there is no Region {region!r}", remedy),)) from None
    return region
