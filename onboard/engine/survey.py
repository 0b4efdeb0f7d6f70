"""The survey: ask every server for its facts, then judge each server and the fleet."""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace

from onboard.aws.instances import known_nodes
from onboard.aws.session import Aws
from onboard.checks import catalog as checks
from onboard.checks.base import Context
from onboard.defects import keep_defect
from onboard.engine.fleet import Emit, Result, kept, work_on
from onboard.engine.journal import Journal
from onboard.engine.workbench import Tools
from onboard.facts import bundle
from onboard.facts.base import Facts, Wanted, to_json
from onboard.facts.bundle import Questions
from onboard.facts.catalog import broken_off, completed, facts_of, instance_id
from onboard.hosts.connection import Connection
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.changes import ChangeName, RunPhase
from onboard.model.errors import AwsError, HostError, HostKeyUnknown, HostUntrusted, OnboardError, PrivilegeMissing
from onboard.model.events import Event, FactsGathered, HostFinished, HostJudged, Noted, PhaseStarted
from onboard.model.family import Family, family_of
from onboard.model.finding import Finding, Verdict
from onboard.model.profile import Host, Profile
from onboard.model.status import HostStatus
from onboard.model.words import Remedy, Text, joined
from onboard.scripts.catalog import DIALECTS
from onboard.steps.base import StepFailed

FACTS_TIMEOUT = 60.0  # seconds for the whole script; each fact in it has its own limit


@dataclass(frozen=True, slots=True)
class Survey:
    """What was learned. `facts` and `findings` contain the servers that answered, `ended` those that did not."""

    context: Context
    facts: Mapping[str, Facts]
    findings: Mapping[str, tuple[Finding, ...]]
    status: Mapping[str, HostStatus]
    ended: Mapping[str, HostFinished]

    def finish(self, host: Host) -> HostFinished:
        """The server's end according to the survey."""
        ended = self.ended.get(host.name)
        return ended or HostFinished(host=host.name, status=self.status[host.name], findings=self.findings[host.name])


def wanted_of(profile: Profile, context: Context) -> Wanted:
    """What the facts' scripts need to know."""
    return Wanted(context.endpoints, proxy=profile.network.proxy or "", no_proxy=profile.network.no_proxy)


def hang_up(connection: Connection) -> None:
    connection.close()


def take_survey(
    hosts: Sequence[Host],
    context: Context,
    tools: Tools,
    cancel: CancelToken,
    *,
    aws: Aws | None,
    only: Collection[str] = (),
    leave: Callable[[Connection], None] = hang_up,
) -> Generator[Event, None, Survey]:
    """Ask and judge. `only`: the checks to make, all if empty; `aws`: None if AWS cannot be asked.

    `leave` gets the connection to each server that has answered.
    """
    answers: dict[str, Facts | HostFinished] = {}
    asking = _Asking(_questions({family_of(host) for host in hosts}, context, only), tools, cancel, leave)
    yield PhaseStarted(phase=RunPhase.FACTS, total=len(hosts))
    yield from kept(work_on(hosts, asking, concurrency=context.profile.run.concurrency, cancel=cancel), answers)
    facts = {name: answer for name, answer in answers.items() if isinstance(answer, Facts)}
    ended = {name: answer for name, answer in answers.items() if isinstance(answer, HostFinished)}
    context = yield from _with_known_nodes(context, facts, aws, tools.journal)
    findings = _judge(hosts, facts, context, only)
    status = {name: checks.host_status(found, context.profile.run.fixes) for name, found in findings.items()}
    for host in hosts:
        if host.name in findings:
            yield HostJudged(host=host.name, status=status[host.name], findings=findings[host.name])
    return Survey(context, facts, findings, status, ended)


APPROVING = "Run onboard trust, which shows host keys and approves new ones with --accept-new or --known-hosts FILE"


def _questions(families: Collection[Family], context: Context, only: Collection[str]) -> dict[Family, Questions]:
    """The questions for each family of servers: everything, or what the checks in `only` need."""
    wanted = wanted_of(context.profile, context)
    questions = {}
    for family in families:
        if family in DIALECTS:  # no connector reaches servers of other families
            facts = checks.facts_needed(family, only) if only else facts_of(family)
            questions[family] = Questions(facts, bundle.compose(DIALECTS[family], facts, wanted))
    return questions


def weak_identity(host: str, weakness: str) -> Noted:
    text = Text(
        "{host}: {weakness}. Replace it on the server: delete /etc/ssh/ssh_host_rsa_key, run ssh-keygen -A and restart "
        "sshd; then approve the new key with onboard trust",
        host=host,
        weakness=weakness,
    )
    return Noted.warning(text, host=host)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks one server in one round trip, or in two if the account has no privilege.

    The result is the server's Facts, or its end if it did not answer.
    """

    questions: Mapping[Family, Questions]
    tools: Tools
    cancel: CancelToken
    leave: Callable[[Connection], None]

    def __call__(self, host: Host, emit: Emit) -> None:
        emit(Result(host.name, self._asked(host, emit)))

    def _asked(self, host: Host, emit: Emit) -> Facts | HostFinished:
        try:
            self.cancel.check()
            connection = self.tools.connector.connect(host, self.cancel)
            try:
                if connection.warning:
                    emit(weak_identity(host.name, connection.warning))
                facts = _answers(self.questions[family_of(host)], connection)
            except BaseException:
                connection.close()
                raise
            self.leave(connection)
            emit(FactsGathered(host=host.name, facts=to_json(facts.known()), unknown=facts.unknown()))
        except Cancelled:
            reason = self.cancel.why or "Stopped before its turn"
            return HostFinished(host=host.name, status=HostStatus.SKIPPED, reason=reason)
        except Exception as error:  # noqa: BLE001 - one server's defect must not stop the others
            return finish_with(host, error)
        return facts


def _answers(asked: Questions, connection: Connection) -> Facts:
    refusal: PrivilegeMissing | None = None
    try:
        result = connection.run_script(asked.script, privileged=True, timeout=FACTS_TIMEOUT)
    except PrivilegeMissing as error:
        # Facts that need no privilege are still useful, and a check reports what is missing and why.
        refusal = error
        result = connection.run_script(asked.script, timeout=FACTS_TIMEOUT)
    return completed(bundle.parse(asked.facts, result), connection, refusal)


def finish_with(host: Host, error: Exception) -> HostFinished:
    """The end of a server that could not be reached or used, or whose turn ended with another error."""
    if not isinstance(error, HostError):
        told = error if isinstance(error, OnboardError) else keep_defect(error)
        seen = evidence_of(error)
        return HostFinished.of(host.name, HostStatus.FAILED, reason=reason_of(told), remedy=told.remedy, evidence=seen)
    status = HostStatus.UNTRUSTED if isinstance(error, HostUntrusted) else HostStatus.UNREACHABLE
    untrusted = status is HostStatus.UNTRUSTED
    check = "identity_verified" if untrusted else "reachable"
    advice = Remedy.of(error.remedy)
    is_new = isinstance(error, HostKeyUnknown)
    remedy = Remedy(joined(APPROVING, advice.words, ". "), *advice.commands) if is_new else advice
    seen = evidence_of(error)
    shown = error.why if seen in error.why else joined(seen, error.why, "\n")  # one line may stand in both
    finding = Finding.of(check, Verdict.FAIL, error.what, remedy=remedy, evidence=shown)
    return HostFinished.of(host.name, status, findings=(finding,), reason=error.what, remedy=remedy, evidence=seen)


def reason_of(error: OnboardError) -> str:
    return joined(error.what, error.why)


def evidence_of(error: Exception) -> str:
    """The last lines that the server said, where a step failed on it or it could not be used; else ""."""
    return error.evidence if isinstance(error, StepFailed | HostError) else ""


def _with_known_nodes(
    context: Context, facts: Mapping[str, Facts], aws: Aws | None, journal: Journal
) -> Generator[Event, None, Context]:
    """Ask AWS which of the registrations found on the servers belong to this account and Region.

    Those that our own runs made count too: AWS may list a node only after its agent has called.
    """
    ids = {node for answers in facts.values() if (node := instance_id(answers))}
    if not ids:
        return replace(context, known_nodes=frozenset())
    if aws is None:
        return context
    try:
        ours = journal.registered(context.account, context.region)
        ours |= {
            instance_id(answers) or "" for answers in facts.values() if ChangeName.REGISTER_AGENT in broken_off(answers)
        }
        return replace(context, known_nodes=known_nodes(aws, ids) | (ours & ids))
    except AwsError as error:
        yield Noted.warning(Text("Existing registrations could not be looked up. {error}", error=error))
        return context


def _judge(
    hosts: Sequence[Host], facts: Mapping[str, Facts], context: Context, only: Collection[str]
) -> dict[str, tuple[Finding, ...]]:
    fleet = checks.judge_fleet([host for host in hosts if host.name in facts], facts, context, only)
    return {
        host.name: (*checks.judge(host, facts[host.name], context, only), *fleet.get(host.name, ()))
        for host in hosts
        if host.name in facts
    }
