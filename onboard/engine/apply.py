"""Apply: survey, plan, then change AWS and the servers, canary first, and prove each one.

The stages between a profile and a managed node, and what each one hands to the next:

1. engine/survey takes the profile's Hosts. It connects to each, asks all facts with one script, and judges them:
   Host → Facts → Findings → HostStatus. Result: a Survey. A server that cannot be reached or is blocked ends
   here. The connections stay open for stage 4 (hosts/kept).
2. engine/planning takes the Survey and AWS's answers about role, nodes and packages. Each step turns facts into a
   Change, or into nothing if the server is as it should be: Facts → Before → Changes. Result: a Prepared. It holds
   the Plan (plain values to show, save and approve) and what is needed to carry it out (a Before for each server).
3. This file compares the Plan with the approved one. If it contains more, PlanExceeded is raised before any change.
4. engine/rollout takes the Prepared. It makes the changes in AWS, then works on the servers: the canary, then the
   rest. A step turns a Before into a Done. The journal gets its intent, with what its undo needs, before it begins,
   and its end afterwards: Change → Entry. RegisterAgent's Done contains the node's id, which is the server's claim.
5. engine/proof takes that id. It waits until Systems Manager says Online, and fetches the nonce that was placed on
   that server in this run with Run Command. Only then may its node be tagged, and the server ends ONLINE
   (HostFinished).
6. engine/undo, later, takes a run's Entries and nothing else: entries → Undoing → the steps' undo, in reverse order. It
   deregisters a node only if engine/authority agrees.

All stages report what they see as Events. engine/command journals them and gives each server an end, whatever happens.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from onboard.engine.account import Account, context_of, open_account
from onboard.engine.aws_changes import end_all, end_former
from onboard.engine.command import Begun, conduct
from onboard.engine.journal import Journal, RunRecord, told
from onboard.engine.planning import prepare
from onboard.engine.rollout import Rollout
from onboard.engine.survey import take_survey
from onboard.engine.workbench import Tools
from onboard.hosts.kept import KeptConnections
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

    `approved` is the plan that may be carried out; None allows whatever the new plan contains. With `resume`, an
    earlier run continues: its plan is the approved one, and servers that it brought online are asked again.
    Raises ProfileError at the first event, before any event or journal entry, if that run cannot continue with
    `profile`.
    """
    if resume:
        _refuse_other(resume, profile, tools.journal)

    def body(run: str) -> Generator[Event, None, None]:
        yield from told(tools.journal.not_understood())
        allowed = (resume.read_plan() if resume else None) or approved
        if approved and not (resume and resume.plan):
            tools.journal.approve(run, json.dumps(asdict(approved)))
        account = yield from open_account(profile, tools)
        yield from clean_up(run, account)
        with KeptConnections(tools.connector) as connections:
            yield from carry_out(run, account, allowed, connections)

    def carry_out(
        run: str, account: Account, allowed: Plan | None, connections: KeptConnections
    ) -> Generator[Event, None, None]:
        context, aws = context_of(profile, account.aws, account.identity), account.aws
        survey = yield from take_survey(profile.hosts, context, tools, cancel, aws=aws, leave=connections.keep)
        prepared = yield from prepare(run, profile, profile.hosts, survey, account.identity, aws, tools, cancel)
        connections.keep_only({plan.host for plan in prepared.plan.hosts})
        yield from prepared.settled.values()
        if allowed is not None:
            _refuse_more(prepared.plan, allowed)
        cancel.check()  # do not keep a plan that lacks the servers not yet surveyed
        if allowed is None:
            tools.journal.approve(run, json.dumps(asdict(prepared.plan)))
        yield from Rollout(run, profile, prepared, account, replace(tools, connector=connections), cancel).carry_out()

    def clean_up(run: str, account: Account) -> Generator[Event, None, None]:
        """Undo what interrupted runs left in AWS, first of all, so that it depends on nothing that follows."""
        aws, journal = account.aws, tools.journal
        if resume:
            yield from end_all(run, profile, aws, journal, cancel)
        if Path(profile_path).is_absolute():  # a relative path may mean a different profile in another folder
            yield from end_former(run, profile_path, account.identity.account, aws, journal, cancel)

    begun = Begun(
        command="apply",
        profile=profile,
        hosts=profile.hosts,
        path=profile_path,
        resume=resume.run if resume else "",
        alone=True,
    )
    yield from conduct(begun, body, tools, cancel)


def _refuse_other(record: RunRecord, profile: Profile, journal: Journal) -> None:
    """Refuse to resume a run that was undone, or with a profile in which a name now means a different server, or which
    lacks a server that the run brought online: a run knows its servers by name, and reports an end for each.
    """
    proven = journal.proven_in(record.run)
    problems = []
    if undo := journal.undone_since_it_began(record.run):
        remedy = "To onboard these servers again, start a new run: apply without --resume"
        problem = f"it was undone by run {undo.run}; resuming it would make all its changes again"
        problems.append(Problem(record.run, problem, remedy))
    if record.command != "apply":
        remedy = "Give the id of a run of apply. The command onboard runs lists them"
        problems.append(
            Problem(record.run, f"this is a run of {record.command}; only runs of apply can be resumed", remedy)
        )
    was = record.places()
    for host in profile.hosts:
        if host.name in was and host.place != was[host.name]:
            problem = f"it is at {host.place}, but was at {was[host.name]} when the run began"
            problems.append(Problem(host.name, problem, "Start a new run with this profile: apply without --resume"))
    missing = sorted({*proven} - {host.name for host in profile.hosts})
    if missing:
        problem = f"this profile lacks servers that the run brought online: {and_more(missing, 5)}"
        problems.append(Problem(record.run, problem, "Resume it with its own profile, or run apply without --resume"))
    if problems:
        raise ProfileError(f"run {record.run}", tuple(problems))


def _refuse_more(fresh: Plan, approved: Plan) -> None:
    more = fresh.exceeds(approved)
    if more:
        raise PlanExceeded(
            "More changes are needed than when the plan was made; nothing was changed",
            why=and_more(more, 5, by="; "),
            remedy="Make a new plan, review it, and apply that one",
        )
