"""Apply: survey, plan, then change AWS and the servers, canary first, and prove each one.

Where to find what happens between a profile and a managed node, and what each stage hands to the next:

1. engine/survey takes the profile's Hosts. It connects to each, asks all facts with one script, and judges them:
   Host → Facts → Findings → HostStatus. Result: a Survey. A server that cannot be reached or is blocked has its end
   here and gets no further.
2. engine/planning takes the Survey and AWS's answers about role, nodes and packages. Each step turns facts into a
   Change, or into none when the server is as it should be: Facts → Before → Changes. Result: a Prepared. It holds
   the Plan (plain values that are shown, saved and approved) and what carrying it out takes (a Before for each server).
3. Here the Plan is compared with the one that was approved. More than that raises PlanExceeded; nothing was changed.
4. engine/rollout takes the Prepared. It makes the changes in AWS, then works on the servers: the canary, then the
   rest. A step turns a Before into a Done. The journal has its intent, with what its undo needs, before it begins, and
   its end after that: Change → Entry. RegisterAgent's Done names the node's id; that is what the server says.
5. engine/proof takes that id. It waits until Systems Manager says Online, and has a Run Command fetch the nonce that
   was placed on that server in this run. Only then the server ends ONLINE (HostFinished), and may its node be tagged.
6. engine/undo, later, takes a run's Entries and nothing else: entries → Undoing → the steps' undo, in reverse order. It
   deregisters a node only if engine/authority agrees.

All stages tell what they see as Events. engine/command journals them and gives each server an end, whatever happens.
"""

import json
from collections.abc import Collection, Generator, Iterator
from dataclasses import asdict
from pathlib import Path

from onboard.engine.account import context_of, open_account
from onboard.engine.aws_changes import end_former
from onboard.engine.command import Begun, conduct
from onboard.engine.journal import RunRecord, told
from onboard.engine.planning import prepare
from onboard.engine.rollout import Rollout
from onboard.engine.survey import take_survey
from onboard.engine.workbench import Tools
from onboard.model.cancel import CancelToken
from onboard.model.errors import PlanExceeded, Problem, ProfileError
from onboard.model.events import Event
from onboard.model.plan import Plan
from onboard.model.profile import Profile
from onboard.model.words import and_more


def apply(
    profile: Profile,
    tools: Tools,
    cancel: CancelToken,
    *,
    profile_path: str = "",
    approved: Plan | None = None,
    resume: RunRecord | None = None,
) -> Iterator[Event]:
    """Onboard the profile's servers.

    `approved` is the plan that may be carried out; None allows whatever the fresh plan says. With `resume`, an
    earlier run goes on: its plan is the approved one, and servers that it brought online are asked again.
    Raises ProfileError at the first event, with nothing told or written, when that run cannot go on with `profile`.
    """
    if resume:
        _refuse_other(resume, profile, tools.journal.proven_in(resume.run))

    def body(run: str) -> Generator[Event, None, None]:
        yield from told(tools.journal.not_understood())
        allowed = (resume.read_plan() if resume else None) or approved
        if approved and not (resume and resume.plan):
            tools.journal.approve(run, json.dumps(asdict(approved)))
        account = yield from open_account(profile, tools)
        context = context_of(profile, account.aws, account.identity)
        survey = yield from take_survey(profile.hosts, context, tools, cancel, aws=account.aws)
        prepared = yield from prepare(run, profile, profile.hosts, survey, account.identity, account.aws, tools, cancel)
        yield from prepared.settled.values()
        if allowed is not None:
            _refuse_more(prepared.plan, allowed)
        cancel.check()  # before a plan is kept that lacks the servers whose turn did not come
        if allowed is None:
            tools.journal.approve(run, json.dumps(asdict(prepared.plan)))
        yield from Rollout(run, profile, prepared, account, tools, cancel).carry_out()
        if Path(profile_path).is_absolute():  # another one may be at the same place of another folder
            yield from end_former(run, profile_path, account.identity.account, account.aws, tools.journal)

    begun = Begun(
        command="apply",
        profile=profile,
        hosts=profile.hosts,
        path=profile_path,
        resume=resume.run if resume else "",
        alone=True,
    )
    yield from conduct(begun, body, tools, cancel)


def _refuse_other(record: RunRecord, profile: Profile, proven: Collection[str]) -> None:
    """A run knows its servers by their names: a name must not have become another server's, nor one that it brought
    online be missing, whose end it could not tell.
    """
    problems = []
    if record.command != "apply":
        remedy = "Name a run of apply; onboard runs lists them"
        problems.append(Problem(record.run, f"this is a run of {record.command}, which nothing can go on with", remedy))
    was = record.places()
    for host in profile.hosts:
        if host.name in was and host.place != was[host.name]:
            problem = f"it is at {host.place}, and was at {was[host.name]} when the run began"
            problems.append(Problem(host.name, problem, "Run apply anew with this profile, without --resume"))
    missing = sorted({*proven} - {host.name for host in profile.hosts})
    if missing:
        problem = f"this profile lacks what the run brought online: {and_more(missing, 5)}"
        problems.append(Problem(record.run, problem, "Resume it with its own profile, or run apply without --resume"))
    if problems:
        raise ProfileError(f"run {record.run}", tuple(problems))


def _refuse_more(fresh: Plan, approved: Plan) -> None:
    more = fresh.exceeds(approved)
    if more:
        raise PlanExceeded(
            "The world has changed since the plan was made, so that more would have to be done; nothing was changed",
            why=and_more(more, 5, by="; "),
            remedy="Make a new plan, look at it, and apply that one",
        )
