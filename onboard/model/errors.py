"""Errors written for people: what failed, where, why, and what to do."""

from dataclasses import dataclass
from typing import ClassVar

from onboard.model.changes import FailureKind
from onboard.model.harmless import Harmless, harmless


@dataclass(frozen=True, slots=True)
class Problem(Harmless):
    """One mistake of the user's: `key` names the place, `problem` what is wrong, `remedy` what would be right."""

    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}. {self.remedy}."


class OnboardError(Exception):
    """Something failed that a person can do something about.

    `what` failed, as a short sentence; `where` is the server, the AWS call or the file;
    `why` is the cause as far as it is known; `remedy` says what to do. None of them ever holds a secret.
    `problems` are the single mistakes behind it; whoever shows the error shows them too.
    `kind` is for programs, in events; `exit_code` is the command line's exit code.
    """

    kind: ClassVar[FailureKind] = FailureKind.ERROR
    exit_code: ClassVar[int] = 1
    problems: tuple[Problem, ...] = ()

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "") -> None:
        self.what, self.where, self.why, self.remedy = map(harmless, (what, where, why, remedy))
        super().__init__(self.what, self.where, self.why, self.remedy)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        told = ". ".join(part.rstrip(".") for part in (head, self.why, self.remedy) if part) + "."
        return " ".join([told, *map(str, self.problems)])


class AwsError(OnboardError):
    """AWS refused, or could not be reached. `code` is AWS's error code, "" when nothing answered.

    `unanswered`: there is no valid answer of AWS, because the connection broke, AWS had an internal error, or something
    else answered. AWS may have carried out the call or not, and may answer if it is asked again.
    """

    kind = FailureKind.AWS
    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: str = "",
        remedy: str = "",
        code: str = "",
        unanswered: bool = False,
    ) -> None:
        super().__init__(what, where=where, why=why, remedy=remedy)
        self.code = code
        self.unanswered = unanswered


class PlanExceeded(OnboardError):
    """Fresh facts ask for more than was approved; nothing was changed."""

    kind = FailureKind.PLAN
    exit_code = 2


class HostError(OnboardError):
    """A server could not be reached or used. `evidence`: the last lines that it said, where there are any."""

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "", evidence: str = "") -> None:
        super().__init__(what, where=where, why=why, remedy=remedy)
        self.evidence = harmless(evidence)


class HostUnreachable(HostError):
    """No connection: name, route, port, time-out, or the server is not an SSH server."""


class HostUntrusted(HostError):
    """The server's identity is unknown, changed or revoked; nothing was sent to it."""


class HostKeyUnknown(HostUntrusted):
    """No host key of the server has been approved yet."""


class LogInRefused(HostError):
    """The server refused the credential, or the credential is stopped to prevent a lock-out."""


class LogInUntried(LogInRefused):
    """The server was not contacted: its key or password is not available, or the credential is stopped."""


class LogInBroken(HostUnreachable):
    """The connection broke during the log-in, after the server's identity was verified."""


class PrivilegeMissing(HostError):
    """The account may not do as root what was asked."""


class PrivilegeUntried(PrivilegeMissing):
    """sudo was not given the password: it was not available, or the account is stopped to prevent a lock-out."""


class ConnectionLost(HostError):
    """The connection broke, or a command ran past its time limit, after the log-in."""


class InputError(OnboardError):
    """What the user gave is wrong or lacks something."""

    kind = FailureKind.PROFILE
    exit_code = 2


class ProfileError(InputError):
    """The profile, a host list or the arguments are wrong. `problems` holds every mistake found."""

    def __init__(self, where: str, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(f"{count} {'mistake' if count == 1 else 'mistakes'} found", where=where)
        self.problems = problems


class NobodyAgrees(InputError):
    """Something must be agreed to, and no person is at a terminal."""

    def __init__(self, where: str, *, remedy: str) -> None:
        super().__init__("there is no terminal to ask for agreement", where=where, remedy=remedy)


EXIT_CODES = {error.kind: error.exit_code for error in (OnboardError, AwsError, PlanExceeded, InputError)}
