"""A step's scripts: how they are put together, run and understood.

A script's title is `step: NAME apply`, its file resources/scripts/DIALECT/steps/NAME.apply; onboard.scripts.dialect
describes how it is put together. Its second line, `# variables: …`, lists the variables it takes, besides `undo_KEY`;
tests compare. It answers on standard output in lines `key=value`:

* `changed` (always): yes or no
* `detail`: a sentence for people
* `undo.KEY`: what undo needs, handed to the undo script as the variable `undo_KEY`
* any other key is a result for the run, such as `instance_id`

A script that failed exits with a code other than 0; the last line of its standard error says why, for people,
and the lines before it are evidence. Its record on the server (see steps_record.sh) stays for undo.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from onboard.hosts.connection import Connection
from onboard.model.secret import Secret
from onboard.model.words import Text, phrase
from onboard.scripts.dialect import Dialect, answers
from onboard.steps.base import Done, StepFailed

RECORD, LOCK, DETACHED, SERVICE = "steps_record", "steps_lock", "steps_detached", "steps_service"
PACKAGE, PACKAGE_LOCK = "steps_package", "steps_package_lock"
# Seconds that a server may keep one script: the longest wait for another package manager, then the installation.
PATIENCE, LOCK_LIMIT, LONGEST = 600, 300, 1200.0
EVIDENCE_LINES = 20


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a step failed, according to the server's output, and what to do."""

    why: str
    remedy: str


_SILENT = phrase("the script ended with exit code {code}")
_NOT_UNDERSTOOD = Explanation(
    phrase("the server's answer was not understood; the change may have been made all the same"),
    phrase("Run the command again. If it happens again, find out what on the server changes what commands print"),
)

Explain = Callable[[str], Explanation | None]


def compose(dialect: Dialect, step: str, action: str, variables: Mapping[str, str], shared: Sequence[str] = ()) -> str:
    """The script of `step` for `action` (apply, undo, work, …), with its variables and what it shares."""
    return dialect.compose(f"steps/{step}.{action}", {"step": step, **variables}, (RECORD, *shared))


def asked(dialect: Dialect, script: str) -> tuple[str, str] | None:
    """(step, action) of a composed script; None for any other. For practice servers, which run no scripts."""
    found = re.fullmatch(r"step: ([a-z_]+) ([a-z]+)", dialect.title(script))
    return (found[1], found[2]) if found else None


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
    told = answers(result.stdout.decode("utf-8", "replace"))
    if result.exit_code == 0 and "changed" in told:
        return Done(
            changed=told.pop("changed") == "yes",
            detail=told.pop("detail", ""),
            undo={key.removeprefix("undo."): value for key, value in told.items() if key.startswith("undo.")},
            output={key: value for key, value in told.items() if not key.startswith("undo.")},
        )
    said = result.stderr.decode("utf-8", "replace")
    if secret is not None:
        said = said.replace(secret.reveal(), "(secret)")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    cause = _cause(result.exit_code, lines, explain(said))
    raise StepFailed(
        failure,
        where=connection.host.name,
        why=cause.why,
        remedy=cause.remedy,
        evidence="\n".join(lines[-EVIDENCE_LINES:]),
    )


def _cause(exit_code: int, lines: Sequence[str], explained: Explanation | None) -> Explanation:
    if exit_code == 0:  # it claims success, and not what it did
        return _NOT_UNDERSTOOD
    return explained or Explanation(lines[-1] if lines else Text(_SILENT, code=exit_code), "")
