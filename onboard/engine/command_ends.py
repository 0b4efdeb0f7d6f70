"""What a node's answer to the Run Command for its nonce means, when the command did not succeed."""

from onboard.aws.commands import Invocation
from onboard.model.errors import OnboardError
from onboard.model.words import Text
from onboard.steps.base import Proof

_AGAIN = "then run apply again"


class NotProven(OnboardError):
    """The node did not come Online, or did not answer with the right nonce."""


def not_answered(invocation: Invocation, host: str, proof: Proof) -> NotProven:
    """The error for a Run Command that ended with any status but Success."""
    ended = invocation.details or invocation.status
    said = invocation.stderr.strip()
    why, remedy = _cause(invocation.status, ended, said, proof)
    return NotProven(
        Text("The node ended the Run Command with {status}", status=ended), where=host, why=why, remedy=remedy
    )


def _cause(status: str, ended: str, said: str, proof: Proof) -> tuple[str, str]:
    """Why and remedy. `ended`: AWS's StatusDetails; `said`: what the command printed as errors."""
    log = proof.errors or proof.log
    match ended:
        case "ExecutionTimedOut" | "TimedOut":
            return (
                "The agent took the command but did not finish it in time",
                Text(
                    "See {log} on the server: its workers may lack memory, processes or inotify instances "
                    "(fs.inotify.max_user_instances); {again}",
                    log=log,
                    again=_AGAIN,
                ),
            )
        case "DeliveryTimedOut" | "Delivery Timed Out":
            return (
                "The agent did not take the command in time, although Systems Manager said Online",
                Text("See {log} on the server, and check that it reaches ssmmessages; {again}", log=log, again=_AGAIN),
            )
        case "Undeliverable":
            return (
                "Systems Manager could not deliver the command: the node is not connected, or not registered any more",
                Text("Check that the amazon-ssm-agent service runs, and see {log}; {again}", log=log, again=_AGAIN),
            )
        case "Cancelled" | "Terminated":
            return (
                "Somebody cancelled the command in Systems Manager, or it was ended since others like it had failed",
                Text("Ask who cancels commands in this account; {again}", again=_AGAIN),
            )
        case "InvalidPlatform":
            return (
                Text("AWS says that {document} does not fit the node's operating system", document=proof.document),
                "Check that this server is listed with the right protocol; another machine may answer as this node",
            )
        case "AccessDenied" | "Access Denied":
            return (
                "AWS did not let the command run on the node",
                "Check the permission ssm:SendCommand of the identity that Onboard uses, and the node's role",
            )
        case "RateExceeded":
            return "Too many commands were sent in this account", Text("Wait a minute; {again}", again=_AGAIN)
    if status == "Failed" and proof.path and proof.path in said:
        return (
            "The nonce placed on this server was not found on the machine that answered",
            "Another machine may answer as this node: look for a clone of this server",
        )
    if status == "Failed":
        return (
            said or "The command printed no error",
            Text("See {log} on the server for what its agent could not do; {again}", log=log, again=_AGAIN),
        )
    return said or "Onboard does not know this status", Text("See {log} on the server; {again}", log=log, again=_AGAIN)
