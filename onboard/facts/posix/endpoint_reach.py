"""Does each endpoint answer from this server, and who signed its certificate?"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from onboard.facts.base import Answer, Fact, FactError
from onboard.facts.lines import pairs


class Outcome(StrEnum):
    REACHED = "reached"  # it answered; with TLS where the address has it
    NO_ADDRESS = "no_address"  # its name is not known
    REFUSED = "refused"  # nothing listens, or a firewall says no
    UNREACHABLE = "unreachable"  # no route
    TIMED_OUT = "timed_out"  # silence: a firewall that drops
    NO_ANSWER = "no_answer"  # connected, then silence or the end
    TLS_FAILED = "tls_failed"
    PROXY_FAILED = "proxy_failed"  # the proxy cannot be reached, or refused
    FAILED = "failed"  # for another reason: see the error
    UNKNOWN = "unknown"  # nothing on the server to try with, or nothing that works


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """Names as the tool that saw them writes them."""

    subject: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Reached:
    """One endpoint.

    via           the proxy gone through, without its name and password, or ""
    certificates  the endpoint's own first; () over http or where the handshake failed
    date          the endpoint's clock (its HTTP Date), in seconds since the epoch, and
    at            the server's at that moment
    error         what the tool said, verbatim
    """

    service: str
    url: str
    outcome: Outcome
    via: str = ""
    tool: str = ""
    status: int | None = None
    certificates: tuple[PeerCertificate, ...] = ()
    date: float | None = None
    at: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class EndpointReach:
    endpoints: tuple[Reached, ...]

    def of(self, service: str) -> Reached | None:
        return next((endpoint for endpoint in self.endpoints if endpoint.service == service), None)

    @property
    def untried(self) -> tuple[Reached, ...]:
        """Endpoints that the server had no tool to try: they may be tried through a tunnel."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.outcome is Outcome.UNKNOWN)


def parse(answer: Answer) -> EndpointReach:
    told: dict[str, dict[str, list[str]]] = {}
    for service, rest in pairs(answer):
        key, _, value = rest.partition(" ")
        told.setdefault(service, {}).setdefault(key, []).append(value.strip())
    if not told:
        raise FactError("the server tried no endpoint")
    return EndpointReach(tuple(_reached(service, told[service]) for service in sorted(told)))


def _reached(service: str, told: dict[str, list[str]]) -> Reached:
    def last(key: str) -> str:
        return told.get(key, [""])[-1]

    tool = last("tool")
    outcome, status = {
        "curl": _by_curl,
        "python": _by_python,
        "openssl": _by_openssl,
    }.get(tool, _by_nothing)(told)
    return Reached(
        service=service,
        url=last("url"),
        outcome=outcome,
        via=last("via"),
        tool=tool,
        status=status,
        certificates=_certificates(told),
        date=http_date(last("date")),
        at=float(last("at")) if re.fullmatch(r"[0-9]{1,15}", last("at")) else None,
        error="" if outcome is Outcome.REACHED else _error(told) or f"{tool or 'the server'} did not say why",
    )


def _error(told: dict[str, list[str]]) -> str:
    said = ""
    for line in told.get("error", []) + told.get("cause", []) + told.get("why", []):
        if line not in said:
            said = f"{said}; {line}" if said else line
    return said


def _by_nothing(told: dict[str, list[str]]) -> tuple[Outcome, int | None]:
    return Outcome.UNKNOWN, None


def _by_curl(told: dict[str, list[str]]) -> tuple[Outcome, int | None]:
    """curl's exit codes (https://curl.se/docs/manpage.html); `numbers` begin with the HTTP status."""
    code = told.get("exit", [""])[-1]
    words = told.get("numbers", [""])[-1].split()
    status = int(words[0]) if words and re.fullmatch(r"[1-9][0-9]{2}", words[0]) else None
    text = " ".join(told.get("error", []) + told.get("cause", []))
    via = told.get("via", [""])[-1]
    if code == "" or not words:
        return Outcome.UNKNOWN, None  # broken off before curl was done, or curl did not come to try
    if code == "0":
        return Outcome.REACHED, status
    if via and (code in ("5", "7", "97") or re.search(r"proxy|CONNECT", text, re.IGNORECASE)):
        return Outcome.PROXY_FAILED, None
    if code == "6":
        return Outcome.NO_ADDRESS, None
    if code == "28":
        return (Outcome.NO_ANSWER if "connected" in told else Outcome.TIMED_OUT), None
    if code == "7":
        return outcome_of_words(text), None
    if code in ("52", "56") or (code == "35" and re.search(r"reset|SSL_ERROR_SYSCALL|unexpected eof", text)):
        return Outcome.NO_ANSWER, None
    if code in ("35", "51", "53", "54", "58", "59", "60", "77", "80", "83"):
        return Outcome.TLS_FAILED, None
    return Outcome.FAILED, None


def _by_python(told: dict[str, list[str]]) -> tuple[Outcome, int | None]:
    stage, kind = told.get("stage", [""])[-1], told.get("kind", [""])[-1]
    text = told.get("error", [""])[-1]
    found = told.get("status", [""])[-1]
    status = int(found) if re.fullmatch(r"[1-9][0-9]{2}", found) else None
    if stage == "":
        return Outcome.UNKNOWN, None
    if stage == "done":
        return (Outcome.REACHED if status or "der" in told else Outcome.NO_ANSWER), status
    if stage == "proxy":
        return Outcome.PROXY_FAILED, None
    if kind == "gaierror":
        return Outcome.NO_ADDRESS, None
    if kind in ("timeout", "TimeoutError"):
        return (Outcome.NO_ANSWER if "connected" in told else Outcome.TIMED_OUT), status
    if kind in ("ConnectionResetError", "SSLEOFError", "BrokenPipeError") and "connected" in told:
        return Outcome.NO_ANSWER, status
    if stage == "tls":
        return Outcome.TLS_FAILED, None
    return outcome_of_words(text), status


def _by_openssl(told: dict[str, list[str]]) -> tuple[Outcome, int | None]:
    """`exit` 124 is that of timeout(1): openssl was ended before it said whether it was connected."""
    code = told.get("exit", [""])[-1]
    found = told.get("status", [""])[-1]
    status = int(found) if re.fullmatch(r"[1-9][0-9]{2}", found) else None
    text = " ".join(told.get("error", []))
    if code == "":
        return Outcome.UNKNOWN, None
    if "subject" in told:
        return Outcome.REACHED, status
    if code != "124" and not text and "connected" not in told:
        return Outcome.UNKNOWN, None  # openssl itself does not work
    if told.get("via", [""])[-1]:
        return Outcome.PROXY_FAILED, None
    if code == "124":
        return Outcome.TIMED_OUT, None
    if re.search(r"not known|No address|gethostbyname|getaddrinfo|resolution", text):
        return Outcome.NO_ADDRESS, None
    if "connected" in told:
        silent = re.search(r"reset|errno=(0|104)|unexpected eof", text)
        return (Outcome.NO_ANSWER if silent else Outcome.TLS_FAILED), None
    return outcome_of_words(text), None


def outcome_of_words(text: str) -> Outcome:
    """Why a connection failed, from an error's text."""
    if re.search(r"refused|errno=111", text, re.IGNORECASE):
        return Outcome.REFUSED
    if re.search(r"no route|unreachable|errno=(113|101)", text, re.IGNORECASE):
        return Outcome.UNREACHABLE
    if re.search(r"timed out|errno=110", text, re.IGNORECASE):
        return Outcome.TIMED_OUT
    return Outcome.FAILED


def _certificates(told: dict[str, list[str]]) -> tuple[PeerCertificate, ...]:
    if "der" in told:
        try:
            return (certificate_of(base64.b64decode(told["der"][-1], validate=True)),)
        except (binascii.Error, ValueError):
            return ()
    subjects, issuers = told.get("subject", []), told.get("issuer", [])
    if told.get("tool", [""])[-1] == "curl":
        # Through a proxy that speaks TLS itself, curl reports two; the endpoint's comes last.
        subjects, issuers = subjects[-1:], issuers[-1:]
    return tuple(PeerCertificate(subject, issuer) for subject, issuer in zip(subjects, issuers, strict=False))


def certificate_of(der: bytes) -> PeerCertificate:
    """The names in a certificate. ValueError if it is not a certificate."""
    from cryptography import x509  # slow to import, and not needed by code that only lists the checks

    certificate = x509.load_der_x509_certificate(der)
    return PeerCertificate(certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string())


def http_date(text: str) -> float | None:
    """An HTTP date (RFC 9110) in seconds since the epoch."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


FACT = Fact("endpoint_reach", parse, timeout=15.0)
