"""Planning: from the survey to what would be done in AWS and on every server. Only reads."""

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass

from onboard.aws.changes import catalog
from onboard.aws.changes.base import Basis, Planned, RunChange
from onboard.aws.identity import Identity
from onboard.aws.instances import Node, nodes
from onboard.aws.packages import fetch_package
from onboard.aws.session import Aws
from onboard.engine.authority import objection
from onboard.engine.survey import Survey
from onboard.engine.workbench import Tools
from onboard.facts.catalog import broken_off, instance_id
from onboard.model.cancel import CancelToken
from onboard.model.changes import ChangeName, RunPhase
from onboard.model.events import Event, HostFinished, Noted, PhaseStarted, PlanMade
from onboard.model.family import family_of
from onboard.model.finding import Finding
from onboard.model.package import Package
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.profile import Host, Profile
from onboard.model.words import Text, joined, phrasings_of
from onboard.steps.base import Before
from onboard.steps.catalog import package_wanted, planned, proof_of


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what is needed to carry it out.

    before   what each server's steps plan from, by its name
    aws      what each of the run's changes in AWS would do
    settled  the end of servers that will not be changed
    """

    plan: Plan
    before: Mapping[str, Before]
    findings: Mapping[str, tuple[Finding, ...]]
    aws: Sequence[tuple[RunChange, Planned]]
    settled: Mapping[str, HostFinished]


def prepare(
    run: str,
    profile: Profile,
    hosts: Sequence[Host],
    survey: Survey,
    identity: Identity,
    aws: Aws,
    tools: Tools,
    cancel: CancelToken,
) -> Generator[Event, None, Prepared]:
    """Make the plan for the servers that can be onboarded; the others keep the end that the survey gave them.

    A server that an earlier run brought online is asked for a nonce too: the earlier proof says nothing about today.
    """
    able = [host for host in hosts if host.name in survey.facts and survey.status[host.name].is_well]
    yield PhaseStarted(phase=RunPhase.PLAN, total=len(able))
    packages, warnings = _packages(able, survey, profile, aws, tools, cancel)
    before = {host.name: _before(host, survey, packages) for host in able}
    wanted = {
        host.name: [(kind, change) for kind in catalog.NODE_CHANGES if (change := kind.plan(host))] for host in able
    }
    found = _nodes(survey, [host for host in able if wanted[host.name]], aws)
    proven = tools.journal.proven()
    settled: dict[str, HostFinished] = {}
    plans: list[HostPlan] = []
    for host in hosts:
        if host.name not in before:
            settled[host.name] = survey.finish(host)
            continue
        before[host.name], changes = planned(before[host.name])
        node = instance_id(survey.facts[host.name])
        if wanted[host.name] and (node is None or (host.name, node) not in proven):
            registers = any(change.name == ChangeName.REGISTER_AGENT for change in changes)
            why = "" if registers else _not_ours(run, host, node, found, tools)
            if why:
                refused = (
                    joined(Text("{host}: its node is not {done}", host=host.name, done=kind.participle), why, ". ")
                    for kind, _ in wanted[host.name]
                )
                warnings = (*warnings, *refused)
            else:
                changes = (*changes, *(change for _, change in wanted[host.name]))
        plans.append(HostPlan.at(host.place, host.name, changes))
    registering = sum(any(change.name == ChangeName.REGISTER_AGENT for change in plan.changes) for plan in plans)
    in_aws = catalog.plan_all(Basis(aws, identity, profile, run, servers=len(plans), registering=registering))
    warnings = (*warnings, *(warning for _, planned in in_aws for warning in planned.warnings))
    plan = Plan(
        account=identity.account,
        region=aws.region,
        aws=(*(change for _, planned in in_aws for change in planned.changes), *_asking(able)),
        hosts=tuple(plans),
        warnings=tuple(map(str, warnings)),
        phrasings=phrasings_of(warnings),
    )
    for text in warnings:
        yield Noted.warning(text)
    yield PlanMade(plan=plan)
    return Prepared(plan, before, survey.findings, in_aws, settled)


def _packages(
    able: Sequence[Host], survey: Survey, profile: Profile, aws: Aws, tools: Tools, cancel: CancelToken
) -> tuple[dict[tuple[str, str], Package], tuple[str, ...]]:
    """(kind, architecture) → package, each fetched and verified once."""
    kinds = {kind for host in able if (kind := package_wanted(host, survey.facts[host.name]))}
    fetched = {
        (kind, arch): fetch_package(aws, profile, kind=kind, arch=arch, cache=tools.cache, cancel=cancel)
        for kind, arch in sorted(kinds)
    }
    warnings = dict.fromkeys(warning for one in fetched.values() for warning in one.warnings)
    return {kind: one.package for kind, one in fetched.items()}, tuple(warnings)


def _before(host: Host, survey: Survey, packages: Mapping[tuple[str, str], Package]) -> Before:
    facts = survey.facts[host.name]
    offered = {finding.fix for finding in survey.findings[host.name] if finding.fix}
    kind = package_wanted(host, facts)
    return Before(
        host=host,
        facts=facts,
        context=survey.context,
        fixes=frozenset(offered.intersection(survey.context.profile.run.fixes)),
        package=packages[kind] if kind else None,
        broken_off=broken_off(facts),
    )


def _nodes(survey: Survey, hosts: Sequence[Host], aws: Aws) -> dict[str, Node]:
    """mi- id → node, for the registrations found on these servers that Systems Manager lists."""
    ids = {node for host in hosts if (node := instance_id(survey.facts[host.name]))}
    return nodes(aws, ids) if ids else {}


def _not_ours(run: str, host: Host, node: str | None, found: Mapping[str, Node], tools: Tools) -> str:
    """Why the node that this server claims to be may not be changed; "" if it may."""
    if node is None or node not in found:
        return Text("AWS does not list a node {node}", node=node)
    return objection(tools.journal, run, host.name, found[node])


def _question(count: int) -> Text:
    if count == 1:
        return Text("Ask 1 server through Run Command for the nonce placed there")
    return Text("Ask {count} servers through Run Command for the nonce placed there", count=f"{count:,}")


def _asking(hosts: Collection[Host]) -> tuple[Change, ...]:
    """The line of the plan for the proof, which every server is asked for."""
    if not hosts:
        return ()
    documents = sorted(proof_of(family, "").document for family in {family_of(host) for host in hosts})
    return (
        Change.of(
            ChangeName.CONFIRM,
            _question(len(hosts)),
            detail={"document": ", ".join(documents)},
            at_most=len(hosts),
        ),
    )
