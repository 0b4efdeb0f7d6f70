"""sudo does not record what is sent to commands: the activation code and the nonce would be kept in clear."""

from onboard.checks.base import Check, Context, not_known, passed, warned
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import sudo_logging
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Text

NAME = "input_not_recorded"


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(sudo_logging.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "whether sudo records what is sent to commands", found)
    if not found.options:
        return passed(NAME, "sudo does not record what is sent to commands")
    return warned(
        NAME,
        "sudo records what is sent to commands: the activation code stays there in clear",
        remedy=Text(
            "Set Defaults !log_input for this account in sudoers while Onboard works, or delete the records in "
            "{folder} afterwards. The code is of no use once its activation was deleted, at the end of the run",
            folder=found.folder,
        ),
        evidence=f"{', '.join(found.options)} in sudoers; records in {found.folder}",
    )


CHECK = Check(
    NAME,
    (sudo_logging.FACT,),
    judge,
    short=Text("Sudo records"),
    why=Text("Whoever reads sudo's records of input can read the activation code."),
)
