"""The names that commands, events, the journal and saved plans share. Files keep their strings: never change one."""

from enum import StrEnum

CHANGING = ("apply", "undo")  # commands that change servers and AWS; all others only look


class ChangeName(StrEnum):
    """One change, in a plan, an event or the journal. A step is named as its file."""

    # Steps on a server
    INSTALL_ROOTS = "install_roots"
    INSTALL_AGENT = "install_agent"
    CONFIGURE_PROXY = "configure_proxy"
    CONFIGURE_AGENT = "configure_agent"
    REGISTER_AGENT = "register_agent"
    PLACE_NONCE = "place_nonce"
    START_AGENT = "start_agent"
    # Of a server's node in AWS
    CONFIRM = "confirm"  # the nonce comes back through Run Command
    TAG_NODE = "tag_node"
    DEREGISTER = "deregister"
    # In AWS
    ENSURE_ROLE = "ensure_role"  # in the journal, for all changes of the role
    CREATE_ROLE = "create_role"
    ALLOW_REGION = "allow_region"
    ATTACH_CORE_POLICY = "attach_core_policy"
    DELETE_ROLE = "delete_role"
    CREATE_ACTIVATION = "create_activation"
    DELETE_ACTIVATION = "delete_activation"


class Phase(StrEnum):
    """What the journal says of a change."""

    INTENT = "intent"  # it is about to be made
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"


class StepOutcome(StrEnum):
    """How far a step came on a server."""

    STARTED = "started"
    DONE = "done"
    UNCHANGED = "unchanged"  # all was there already
    FAILED = "failed"
    UNDONE = "undone"


class RunPhase(StrEnum):
    """What a run does at a time."""

    TRUST = "trust"
    FACTS = "facts"
    PLAN = "plan"
    CANARY = "canary"
    INSTALL = "install"
    UNDO = "undo"
    REGIONS = "regions"
    REGIONS_FROM_SERVERS = "regions-from-servers"


class FailureKind(StrEnum):
    """Why a whole run failed, as far as a program has to tell (see RunFailed and the exit codes)."""

    ERROR = "error"
    AWS = "aws"  # AWS refused, or could not be reached
    PROFILE = "profile"  # the profile, a list of servers or the arguments are wrong
    PLAN = "plan"  # more would have to be done than was approved


STEPS = (
    ChangeName.INSTALL_ROOTS,
    ChangeName.CONFIGURE_AGENT,
    ChangeName.CONFIGURE_PROXY,
    ChangeName.INSTALL_AGENT,
    ChangeName.REGISTER_AGENT,
    ChangeName.START_AGENT,
    ChangeName.PLACE_NONCE,
)  # those that are steps, which a profile may allow as fixes
