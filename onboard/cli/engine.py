"""onboard engine: the engine as a child of the wizard.

It reads one JSON object per line from standard input and writes one event per line, as JSON, to standard output.

An order starts a command: {"id": 7, "do": "check", "profile": {…}, …}. Each of its events carries the id; RunFinished
is the last. A long plan comes in parts (`onboard.model.event_json`). One command runs at a time, others wait. A control
is heard at any time: {"do": "stop", "id": 7}. `onboard.model.orders` has all orders and controls. One that cannot be
read is answered with RunFailed where it has an id, else with a line on standard error.

The end of standard input stops the running command and ends the process: a wizard that crashes leaves no engine behind.
"""

import argparse
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from onboard.cli.arguments import Commands, add_debug_log
from onboard.cli.questions import code_of
from onboard.cli.waits import telling_of_waits
from onboard.defects import keep_defect
from onboard.engine.command import failure
from onboard.engine.journal import Journal
from onboard.engine.workbench import Tools, workbench
from onboard.files import write_private
from onboard.home import home
from onboard.hosts.credentials import remember
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model import orders
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.event_json import in_parts
from onboard.model.events import Event, FactsGathered, Noted, ReportWritten, RunFinished, SecretWanted
from onboard.model.orders import Control, GoOn, NotAnOrder, Ordered, Pause, SecretAnswer, Stop, StopNow, Undo
from onboard.model.profile import Host, Profile
from onboard.model.secret import Secret
from onboard.model.words import Text

MFA = "MFA code"
GRACE = 10.0  # seconds that a clean stop may take after the wizard has gone


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("engine")  # no help text: it is for the wizard, not for people
    add_debug_log(parser)
    parser.set_defaults(act=run)


def run(_: argparse.Namespace) -> int:
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # as the wizard writes, whatever the locale
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it ends with its input, or at once
    child = Child()
    reader = threading.Thread(target=child.listen, args=(sys.stdin,), name="orders", daemon=True)
    reader.start()
    child.work()
    return 0


class Child:
    """One engine. `listen` runs in a thread of its own, `work` in the main one."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or sys.stdout.write
        self._orders: queue.SimpleQueue[Ordered | NotAnOrder | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[SecretAnswer | None] = queue.SimpleQueue()
        self._tokens: dict[int, CancelToken] = {}  # order → of those that run or wait
        self._lock = threading.Lock()
        self._number: int | None = None
        self._is_heard = True
        self._is_over = True  # the last event of the order was told
        self._secrets: dict[str, str] = {}
        self._grace = threading.Timer(GRACE, self._break_off)
        self._grace.daemon = True

    def listen(self, lines: Iterator[str]) -> None:
        """Take orders until the end of input."""
        try:
            for line in lines:
                self._hear(line)
        finally:
            self._grace.start()
            for token in list(self._tokens.values()):
                token.stop()
            self._answers.put(None)
            self._orders.put(None)

    def _hear(self, line: str) -> None:
        try:
            heard = orders.from_json(line)
        except NotAnOrder as error:
            if error.number is None:
                sys.stderr.write(f"{error}\n")
            else:
                self._orders.put(error)
            return
        if isinstance(heard, Ordered):
            self._tokens[heard.number] = CancelToken()
            self._orders.put(heard)
        else:
            self._control(heard)

    def _control(self, control: Control) -> None:
        match control:
            case SecretAnswer():
                self._answers.put(control)
            case Stop(number=number) if number in self._tokens:
                self._tokens[number].stop()
            case StopNow(number=number) if number in self._tokens:
                self._tokens[number].stop_now()
            case Pause(number=number) if number in self._tokens:
                self._tokens[number].pause()
            case GoOn(number=number) if number in self._tokens:
                self._tokens[number].go_on()

    def _break_off(self) -> None:
        for token in list(self._tokens.values()):
            token.stop_now()

    def work(self) -> None:
        """Carry out commands, one after the other, until the end of input."""
        with telling_of_waits(self._tell_of_wait):
            self._work()
        self._grace.cancel()

    def _work(self) -> None:
        while (taken := self._orders.get()) is not None:
            with self._lock:
                self._number, self._is_over = taken.number, False
            if isinstance(taken, NotAnOrder):
                self._end(taken)
                continue
            cancel = self._tokens[taken.number]
            try:
                if cancel.stopping:  # before its turn
                    self._tell(RunFinished(run="", hosts={}))
                    continue
                for event in self._events(taken, cancel):
                    self._tell(event)
            except OnboardError as error:
                self._end(error)
            except Exception as error:  # noqa: BLE001 - reported as an event; the wizard goes on
                self._end(keep_defect(error))
            finally:
                del self._tokens[taken.number]

    def _end(self, error: OnboardError) -> None:
        self._tell(failure(error))
        self._tell(RunFinished(run="", hosts={}))

    def _events(self, ordered: Ordered, cancel: CancelToken) -> Iterator[Event]:
        folder = home()
        profile = _profile(ordered, folder)
        with workbench(folder, profile.credentials, prompt=self._ask, mfa_code=self._ask_for_code) as tools:
            yield from _carry_out(replace(ordered, profile=profile), tools, cancel)
            if tools.memory.refused:
                self._secrets.clear()  # one of them is wrong: the next command asks again

    def _ask(self, name: str, question: str) -> str | None:
        """Ask the wizard for a secret; what it answered serves the commands that follow, too."""
        if name not in self._secrets:
            answer = self._answer_to(SecretWanted(name=name, question=question))
            if answer is None or not answer.value:
                return None
            self._secrets[name] = answer.value
            if answer.keep:
                try:
                    remember(name, Secret(answer.value))
                except OnboardError as error:  # it serves this process all the same
                    self._tell(Noted.warning(str(error)))
        return self._secrets[name]

    def _ask_for_code(self, prompt: str) -> Secret:
        """A code of an MFA device is good once, and so asked for each time."""
        answer = self._answer_to(SecretWanted(name=MFA, question=prompt, once=True))
        return code_of(answer.value if answer else None)

    def _answer_to(self, wanted: SecretWanted) -> SecretAnswer | None:
        """What the wizard answers; None once it has gone."""
        self._tell(wanted)
        answer = self._answers.get()
        if answer is None:
            self._answers.put(None)  # whoever asks next waits no longer than this one
        return answer

    def _tell(self, event: Event) -> None:
        if isinstance(event, FactsGathered):
            event = replace(event, facts={})  # bulky, and no page shows them: evidence is in findings
        with self._lock:
            self._is_over = isinstance(event, RunFinished)
            self._send(event)

    def _tell_of_wait(self, note: Noted) -> None:
        with self._lock:
            if not self._is_over:
                self._send(note)

    def _send(self, event: Event) -> None:
        if self._is_heard:
            try:
                for part in in_parts(event):
                    self._write(part.to_line(id=self._number) + "\n")
                sys.stdout.flush()
            except OSError:  # the wizard has gone: what runs is brought to its end, and to the journal, untold
                self._is_heard = False


def _profile(ordered: Ordered, folder: Path) -> Profile:
    """The order's. To undo a run, the one that it ran with, since the draft may have moved on; with the draft's
    credentials, since those may have been corrected since.
    """
    if not isinstance(ordered.order, Undo):
        return ordered.profile
    with closing(Journal(folder)) as journal:
        of_run = journal.run(ordered.order.run).read_profile()
    return of_run.model_copy(update={"credentials": {**of_run.credentials, **ordered.profile.credentials}})


def _carry_out(ordered: Ordered, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """The events of an order. Each command is imported when it is wanted: what paramiko and boto3 bring takes time."""
    of_journal = _of_journal(ordered, tools.journal)
    return of_journal if of_journal is not None else _of_servers(ordered, tools, cancel)


def _of_journal(ordered: Ordered, journal: Journal) -> Iterator[Event] | None:
    """Orders about earlier runs; None for all others."""
    from onboard.engine import history

    match ordered.order:
        case orders.Runs():
            return history.runs(journal, ordered.path)
        case orders.ShowRun(run=run):
            record = journal.run(run) if run else history.last_run(journal, ordered.path, ordered.profile.name)
            return history.replay(record, journal) if record else iter((RunFinished(run="", hosts={}),))
        case orders.UndoPreview(run=run):
            return history.undo_preview(journal.run(run), journal)
        case orders.Report() as wanted:
            return _report(wanted, journal)
    return None


def _of_servers(ordered: Ordered, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """Orders about AWS and the profile's servers."""
    from onboard.engine import account_facts, apply, check, probe, regions, trust, undo

    profile, path = ordered.profile, ordered.path
    match ordered.order:
        case orders.Account():
            return account_facts.account(profile, tools, cancel)
        case orders.Preview():
            return account_facts.preview(profile, tools, cancel)
        case orders.Regions(servers=names):
            servers = [host for host in profile.hosts if host.name in names]
            return regions.regions(profile, tools, cancel, servers=servers, profile_path=path)
        case orders.Trust(approve=approve, known_hosts=file):
            supplied = KnownHosts.from_file(Path(file)) if file else None
            return trust.trust(profile, tools, cancel, supplied=supplied, approve=approve)
        case orders.Probe(host=name):
            return probe.probe(profile, _server(profile, name), tools, cancel)
        case orders.Check(only=only):
            return check.check(profile, tools, cancel, profile_path=path, only=only)
        case orders.Plan():
            return check.plan(profile, tools, cancel, profile_path=path)
        case orders.Apply(plan=approved, resume=run):
            resume = tools.journal.run(run) if run else None
            return apply.apply(profile, tools, cancel, profile_path=path, approved=approved, resume=resume)
        case orders.Undo(run=run):
            record = tools.journal.run(run)
            return undo.undo(profile, record, tools, cancel, profile_path=record.profile_path)
    raise NotAnOrder(Text("The engine has no command for {order}", order=type(ordered.order).__name__))


def _server(profile: Profile, name: str) -> Host:
    for host in profile.hosts:
        if host.name == name:
            return host
    raise OnboardError("The profile has no server of this name", where=name)


def _report(wanted: orders.Report, journal: Journal) -> Iterator[Event]:
    from onboard.cli.report import FORMATS, report_of_run

    if wanted.format not in FORMATS:
        what = Text(
            "Reports are written as {formats}, not as {format}", formats=", ".join(FORMATS), format=wanted.format
        )
        raise OnboardError(what, where=wanted.file)
    record = journal.run(wanted.run)
    write_private(Path(wanted.file), FORMATS[wanted.format](report_of_run(record, journal)))
    yield ReportWritten(run=record.run, path=wanted.file)
    yield RunFinished(run="", hosts={})
