"""How single values of a profile are written: each function returns the value, or refuses it saying what is right."""

import ipaddress
import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from pydantic_core import PydanticCustomError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
_ROLE = re.compile(r"[A-Za-z0-9+=,.@_-]+(/[A-Za-z0-9+=,.@_-]+)*")
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::[0-9]*:role/(?P<name>.+)")
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){3}")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_IPV4 = re.compile(r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}")
_PLAIN_TAG_TEXT = re.compile(r"[A-Za-z0-9 _.:/=+@-]*")
_TYPOGRAPHIC_QUOTES = frozenset("“”„‟‘’‚‛«»‹›″′")

TAG_LIMIT = 50


def refused(problem: str, remedy: str) -> PydanticCustomError:
    """The error to raise for a value that is not as it should be. Neither text ends with a full stop."""
    return PydanticCustomError("refused", "{problem}. {remedy}", {"problem": problem, "remedy": remedy})


def shown(value: str) -> str:
    """A value inside a message: quoted, short, and free of control characters."""
    text = value if len(value) <= 60 else value[:59] + "…"
    return '"' + "".join(c if c.isprintable() else "�" for c in text) + '"'


def key_text(key: str) -> str:
    """A key as TOML writes it: quoted when it is more than letters, digits, - and _."""
    return key if _BARE_KEY.fullmatch(key) else shown(key)


def has_typographic_quotes(text: str) -> bool:
    """Quotes as word processors and web pages set them; pasted with a value they end in names that do not exist."""
    return not _TYPOGRAPHIC_QUOTES.isdisjoint(text)


def _refuse_typographic_quotes(value: str) -> None:
    if has_typographic_quotes(value):
        raise refused(f"{shown(value)} contains typographic quotes", "Delete them; they were pasted with the value")


def region_name(value: str) -> str:
    _refuse_typographic_quotes(value)
    if not _REGION.fullmatch(value):
        raise refused(f"{shown(value)} is not an AWS Region", "Write the Region's id, such as eu-central-1")
    return value


def role_name(value: str) -> str:
    """CreateActivation takes a role's name with its path, 64 characters in all, never an ARN."""
    _refuse_typographic_quotes(value)
    if arn := _ROLE_ARN.fullmatch(value):
        raise refused("it is an ARN, which activations do not take", f"Write {shown(arn['name'])}")
    if value.startswith("arn:"):
        raise refused("it is an ARN, which activations do not take", "Write the role's name with its path")
    if value.startswith("/"):
        raise refused(f"{shown(value)} begins with a slash", f"Write {shown(value.lstrip('/'))}")
    if len(value) > 64:
        raise refused(f"it has {len(value)} characters, path included", "Use at most 64")
    if not _ROLE.fullmatch(value):
        raise refused(
            f"{shown(value)} is not a valid IAM role name",
            "Use letters, digits and + = , . @ _ -, such as service-role/OnPremisesServers",
        )
    return value


def _is_tag_text(value: str) -> bool:
    r"""AWS's own pattern for tags and instance names: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$."""
    return bool(_PLAIN_TAG_TEXT.fullmatch(value)) or all(
        unicodedata.category(c)[0] in "LZN" or c in "_.:/=+-@" for c in value
    )


def moment(value: str) -> str:
    """A date and time, ISO 8601; "" for none."""
    try:
        if value:
            datetime.fromisoformat(value)
    except ValueError:
        raise refused(
            f"{shown(value)} is not a valid date", "Write it as 2026-11-24T13:02:11+00:00, or remove it"
        ) from None
    return value


def instance_name(value: str) -> str:
    """DefaultInstanceName of an activation, which serves as its description too: 256 characters at most."""
    if not value or len(value) > 256:
        raise refused(f"it has {len(value)} characters", "Use 1 to 256")
    if not _is_tag_text(value):
        raise refused(
            f"{shown(value)} has a character that AWS refuses", "Use letters, digits, spaces and _ . : / = + - @"
        )
    return value


def tags(value: Mapping[str, str]) -> Mapping[str, str]:
    if len(value) > TAG_LIMIT:
        raise refused(f"there are {len(value)} tags", f"AWS keeps at most {TAG_LIMIT}")
    for key, text in value.items():
        if not 1 <= len(key) <= 128:
            raise refused(f"the tag key {shown(key)} has {len(key)} characters", "Use 1 to 128")
        if key.casefold().startswith("aws:"):
            raise refused(f"the tag key {shown(key)} begins with aws:, which AWS keeps to itself", "Choose another key")
        if len(text) > 256:
            raise refused(f"the value of tag {shown(key)} has {len(text)} characters", "Use at most 256")
        if key != key.strip() or text != text.strip():
            raise refused(f"the tag {shown(key)} begins or ends with a blank", "Delete the blank")
        if "=" in key:
            raise refused(
                f"the tag key {shown(key)} holds =, which a list of servers cannot write", "Choose another key"
            )
        for part in (key, text):
            if not _is_tag_text(part):
                raise refused(
                    f"the tag {shown(key)} has a character that AWS refuses",
                    "Use letters, digits, spaces and _ . : / = + - @",
                )
    return value


def _split_url(value: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The parts of an absolute URL. Its text is not repeated in any message: it may hold a password."""
    remedy = f"Write it as {example}"
    if has_typographic_quotes(value):
        raise refused("it contains typographic quotes", "Delete them; they were pasted with the value")
    try:
        parts = urlsplit(value)
        port_is_wrong = parts.port == 0
    except ValueError:
        raise refused("it is not a valid URL, or its port is not a number from 1 to 65535", remedy) from None
    if parts.scheme not in schemes or not value.startswith(f"{parts.scheme}://"):
        raise refused(f"it does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}", remedy)
    if "@" in parts.netloc:
        raise refused(
            "it holds a user name or password, and secrets are never stored in a profile", f"{remedy}, without them"
        )
    if port_is_wrong or parts.query or parts.fragment or any(c.isspace() for c in value):
        raise refused("it has a space, a query or a port that no server can have", remedy)
    if problem := _address_problem(parts.hostname or ""):
        raise refused(f"its host is wrong: {problem}", remedy)
    return parts


def proxy_url(value: str) -> str:
    """The agent takes HTTP proxies only: those reached over TLS do not work with Session Manager."""
    example = "http://proxy.example.com:3128"
    if value.casefold().startswith("https://"):
        raise refused("the agent cannot use proxies that are reached by https", f"Write it as {example}")
    parts = _split_url(value, ("http",), example)
    if parts.path not in ("", "/"):
        raise refused("it has a path", f"Write it as {example}")
    return value


def no_proxy_entry(value: str) -> str:
    if not value or "://" in value or any(c.isspace() or c in ",;" or not c.isprintable() for c in value):
        raise refused(
            f"{shown(value)} is not a valid host",
            "Write each host, .domain, address or network as its own entry of the list, without scheme",
        )
    return value


def endpoint_url(value: str) -> str:
    """Plain http is for private clouds and practice; AWS's own endpoints speak https only."""
    _split_url(value, ("https", "http"), "https://ssm.eu-central-1.amazonaws.com")
    return value


def agent_endpoint(value: str) -> str:
    """The agent drops a path without a word, and takes AWS's own endpoint when it cannot read the URL.

    Plain http is for practice clouds only, which the profile as a whole tells.
    """
    example = "https://vpce-0123.ssm.eu-central-1.vpce.amazonaws.com"
    parts = _split_url(value, ("https", "http"), example)
    if parts.path not in ("", "/"):
        raise refused("it has a path, which the agent ignores", f"Write it as {example}")
    return value


def agent_source(value: str) -> str:
    """`aws`, an https:// mirror (http:// on loopback only), or a folder, which may not exist."""
    if not value.strip():
        raise refused("it is empty", 'Write "aws", an https:// mirror, or a folder')
    if value == "aws":
        return value
    if value.casefold().startswith("http://"):
        host = _split_url(value, ("http",), "https://mirror.example.com/amazon-ssm").hostname
        if host not in LOOPBACK:
            raise refused("a mirror without TLS is not used", "Write it as https://…, or name a folder")
    elif "://" in value:
        _split_url(value, ("https",), "https://mirror.example.com/amazon-ssm")
    elif not value.isprintable() or has_typographic_quotes(value):
        raise refused(f"{shown(value)} is not a valid folder name", 'Write "aws", an https:// mirror, or a folder')
    return value


def agent_version(value: str) -> str:
    if value not in ("latest", "stable") and not _VERSION.fullmatch(value):
        raise refused(
            f"{shown(value)} is not a valid agent version", "Write latest, stable, or four numbers such as 3.3.4851.0"
        )
    return value


def credential_name(value: str) -> str:
    """It becomes part of an environment variable's name (ONBOARD_SECRET_…), hence the plain characters."""
    if not _CREDENTIAL_NAME.fullmatch(value):
        raise refused(
            f"{shown(value)} is not a valid name for a credential", "Use letters, digits, - and _, at most 64"
        )
    return value


def user_name(value: str) -> str:
    if not value or len(value) > 256 or not value.isprintable() or value != value.strip():
        raise refused(f"{shown(value)} is not a valid user name", "Write the account to log in with, such as admin")
    return value


def key_file(value: str) -> str:
    """The path of a private key, or of the public one that ssh-agent is to use; it may not exist.

    A key pasted in its place is a secret, and not repeated.
    """
    if "PRIVATE KEY" in value:
        raise refused("it holds a private key, and secrets are never stored in a profile", "Write the path of its file")
    if not value or not value.isprintable():
        raise refused(
            f"{shown(value)} is not a valid path",
            "Write the path of the private key, such as ~/.ssh/id_ed25519; one with backslashes between single quotes",
        )
    return value


def command(value: object) -> object:
    """A command as a list of words, or as one text that is split as a shell splits words."""
    remedy = 'Write a list of words, such as ["pass", "show", "servers"], or one text'
    words = value if isinstance(value, list | tuple) else [value]
    if not words or not all(isinstance(word, str) for word in words) or not str(words[0]).strip():
        raise refused("it is not a command", remedy)
    if isinstance(value, str):
        try:
            shlex.split(value)
        except ValueError:
            raise refused("its quotes do not match", remedy) from None
    return value


def host_name(value: str) -> str:
    """What a server is called here; it needs no meaning in DNS when an address is given."""
    if not value:
        raise refused("it is empty", "Give every server a name")
    if value.startswith("#"):
        raise refused(f"{shown(value)} begins with #, as comments do", "Choose another name")
    if len(value) > 255 or value != value.strip() or not value.isprintable():
        raise refused(
            f"{shown(value)} is not a valid server name",
            "Use at most 255 printable characters, without a blank at either end",
        )
    return value


def host_address(value: str) -> str:
    """An IPv4 or IPv6 address or a host name; "" stands for the server's name."""
    if value and (problem := _address_problem(value)):
        raise refused(problem, "Write an IPv4 address, an IPv6 address or a host name, and nothing else")
    return value


def is_address(value: str) -> bool:
    """Whether it can be connected to: an IPv4 or IPv6 address or a host name."""
    return _address_problem(value) == ""


def is_ip_address(value: str) -> bool:
    return is_address(value) and (":" in value or bool(_IPV4.fullmatch(value)))


def _address_problem(value: str) -> str:
    """What is wrong with an address; "" when nothing is."""
    if _IPV4.fullmatch(value):
        return ""
    if has_typographic_quotes(value):
        return f"{shown(value)} contains typographic quotes"
    if ":" in value:
        return _colon_problem(value)
    return _host_name_problem(value)


def _colon_problem(value: str) -> str:
    if "://" in value:
        return f"{shown(value)} is a URL"
    if value.startswith("["):
        return f"{shown(value)} has brackets"
    if value.count(":") == 1:
        return f"{shown(value)} contains a port, which is set separately"
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return f"{shown(value)} is not a valid IPv6 address"
    return "" if value.isprintable() and " " not in value else f"{shown(value)} is not a valid IPv6 address"


def _host_name_problem(value: str) -> str:
    if "@" in value:
        return f"{shown(value)} contains a user name, which belongs to the credential"
    labels = value.removesuffix(".").split(".")
    if len(value) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return f"{shown(value)} is not a valid address"
    if _is_mistyped_ipv4(labels):
        return f"{shown(value)} is not a valid address"
    return ""


def _is_mistyped_ipv4(labels: Sequence[str]) -> bool:
    """Whether a name was meant as an IPv4 address: 192.0.2.300, 192.0.2, 192.0.2.55a, 192.0.2.x.

    No top-level domain is a single letter, or begins or ends with a digit (xn--… may).
    """
    *first, last = labels
    if last.isdigit():
        return True
    numbers_before = bool(first) and all(label.isdigit() for label in first)
    return numbers_before and (len(last) == 1 or last[0].isdigit() or last[-1].isdigit())
