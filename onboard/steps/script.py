"""A step's scripts: how they are put together, run and understood.

`# step: NAME apply`, the variables one by one as `name='value'`, `# end of variables`, what the script shares with
others, then resources/scripts/posix/steps/NAME.apply.sh. A script answers on standard output in lines `key=value`:

* `changed` (always): yes or no
* `detail`: a sentence for people
* `undo.KEY`: what undo needs, handed to the undo script as the variable `undo_KEY`
* any other key is a result for the run, such as `instance_id`

A script that could not do it exits with another code than 0; the last line of its standard error says why, for people,
and the lines before it are evidence. Its record on the server (see steps_record.sh) stays for undo.
"""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from onboard.hosts.connection import Connection
from onboard.model.secret import Secret
from onboard.resources import text
from onboard.steps.base import Done, StepFailed

RECORD, LOCK, DETACHED, SERVICE = "steps_record", "steps_lock", "steps_detached", "steps_service"
PACKAGE, PACKAGE_LOCK = "steps_package", "steps_package_lock"
END_OF_VARIABLES = "# end of variables"
# Seconds that a server may keep one script: the longest wait for another package manager, then the installation.
PATIENCE, LOCK_LIMIT, LONGEST = 600, 300, 1200.0
EVIDENCE_LINES = 20


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed, as far as its words tell, and what to do."""

    why: str
    remedy: str


Explain = Callable[[str], Cause | None]


def compose(step: str, action: str, variables: Mapping[str, str], shared: Sequence[str] = ()) -> str:
    """The script of `step` for `action` (apply, undo, work, …), with its variables and what it shares."""
    head, body = _parts(step, action)
    assignments = [f"{name}={shlex.quote(value)}" for name, value in {"step": step, **variables}.items()]
    libraries = [_shared(name) for name in (RECORD, *shared)]
    return "\n".join([head, *assignments, END_OF_VARIABLES, *libraries, body])


@cache
def _parts(step: str, action: str) -> tuple[str, str]:
    head, _, body = text(f"scripts/posix/steps/{step}.{action}.sh").partition("\n")
    return head, body


@cache
def _shared(name: str) -> str:
    return text(f"scripts/posix/{name}.sh")


def asked(script: str) -> tuple[str, str] | None:
    """(step, action) of a composed script; None for any other. For practice servers, which run no scripts."""
    found = re.match(r"# step: ([a-z_]+) ([a-z]+)\n", script)
    return (found[1], found[2]) if found else None


def variables_of(script: str) -> Mapping[str, str]:
    """The variables that a composed script begins with; one among them may be such a script itself."""
    assigned = script.partition("\n")[2].rpartition(f"\n{END_OF_VARIABLES}\n")[0]
    return dict(word.split("=", 1) for word in shlex.split(assigned))


def undo_variables(undo: Mapping[str, str]) -> dict[str, str]:
    """What the journal kept of an apply, as variables for the undo script."""
    return {f"undo_{key}": value for key, value in undo.items() if re.fullmatch(r"[a-z_]+", key)}


def run(
    connection: Connection,
    script: str,
    *,
    failure: str,
    secret: Secret | None = None,
    timeout: float = 120.0,
    explain: Explain = lambda said: None,
) -> Done:
    """Run a composed script as root. `failure` says in a sentence what could not be done when it fails.

    Raises StepFailed with what the server said, without the secret; HostError.
    """
    result = connection.run_script(script, privileged=True, secret_line=secret, timeout=timeout)
    answers = _answers(result.stdout.decode("utf-8", "replace"))
    if result.exit_code == 0 and "changed" in answers:
        return Done(
            changed=answers.pop("changed") == "yes",
            detail=answers.pop("detail", ""),
            undo={key.removeprefix("undo."): value for key, value in answers.items() if key.startswith("undo.")},
            output={key: value for key, value in answers.items() if not key.startswith("undo.")},
        )
    said = result.stderr.decode("utf-8", "replace")
    if secret is not None:
        said = said.replace(secret.reveal(), "(secret)")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    cause = explain(said) or Cause(lines[-1] if lines else f"its script ended with exit code {result.exit_code}", "")
    raise StepFailed(
        failure,
        where=connection.host.name,
        why=cause.why,
        remedy=cause.remedy,
        evidence="\n".join(lines[-EVIDENCE_LINES:]),
    )


def _answers(stdout: str) -> dict[str, str]:
    """Lines `key=value`; anything else on standard output is noise."""
    lines = re.finditer(r"^([a-z_]+(?:\.[a-z_]+)?)=(.*)$", stdout, re.MULTILINE)
    return {found[1]: found[2] for found in lines}
