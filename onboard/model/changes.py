"""The names that commands, events, the journal and saved plans share. Files keep their strings: never change one."""

from enum import StrEnum

CHANGING = ("apply", "undo")  # commands that change servers and AWS; all others only look


STEPS = (
    "install_roots",
    "configure_agent",
    "configure_proxy",
    "install_agent",
    "register_agent",
    "start_agent",
    "place_nonce",
)  # names of the steps, which a profile may allow as fixes


class FailureKind(StrEnum):
    """Why a whole run failed, as far as a program has to tell (see RunFailed and the exit codes)."""

    ERROR = "error"
    AWS = "aws"  # AWS refused, or could not be reached
    PROFILE = "profile"  # the profile, a list of servers or the arguments are wrong
    PLAN = "plan"  # more would have to be done than was approved
