"""onboard engine: the engine as a child of the wizard.

It reads one JSON object a line from standard input and writes events as one JSON object a line to standard output.

A command: {"id": 7, "do": "check", "profile": {…}, …}; each of its events carries the id; RunFinished is the last.
A long plan comes in parts (`onboard.model.event_json`).
One command runs at a time, others wait. What each takes besides `profile` stands in COMMANDS.

Control, at any time: {"do": "stop", "id": 7}, "stop_now", "pause" and "go_on", of a command that runs or waits, and
{"do": "secret", "name": …, "value": …} in answer to SecretWanted (value null: there is none). The end of standard
input stops what runs and ends the process: a wizard that dies leaves no engine behind.
"""

import argparse
import json
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from onboard.cli.arguments import Commands, add_debug_log
from onboard.cli.questions import code_of
from onboard.defects import keep_defect
from onboard.engine.command import failure
from onboard.engine.journal import Journal
from onboard.engine.workbench import Tools, workbench
from onboard.files import write_private
from onboard.home import home
from onboard.hosts.credentials import remember
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.event_json import in_parts
from onboard.model.events import Event, FactsGathered, Noted, ReportWritten, RunFinished, SecretWanted
from onboard.model.plan import plan_from_json
from onboard.model.profile import Profile
from onboard.model.secret import Secret

Order = Mapping[str, Any]
MFA = "MFA code"
GRACE = 10.0  # seconds that a clean stop may take after the wizard has gone


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("engine")  # no help text: it is for the wizard, not for people
    add_debug_log(parser)
    parser.set_defaults(act=run)


def run(_: argparse.Namespace) -> int:
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # as the wizard writes, whatever the locale
    child = Child()
    reader = threading.Thread(target=child.listen, args=(sys.stdin,), name="orders", daemon=True)
    reader.start()
    child.work()
    return 0


class Child:
    """One engine. `listen` runs in a thread of its own, `work` in the main one."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or sys.stdout.write
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._tokens: dict[object, CancelToken] = {}  # id → of the command that runs, and of those that wait
        self._lock = threading.Lock()
        self._id: object = None
        self._is_heard = True
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
            self._take(json.loads(line))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            sys.stderr.write(f"not an order: {type(error).__name__}\n")

    def _break_off(self) -> None:
        for token in list(self._tokens.values()):
            token.stop_now()

    def _take(self, order: Order) -> None:
        what = order["do"]
        if what in ("stop", "stop_now", "pause", "go_on"):
            token = self._tokens.get(order["id"])
            if token is not None:
                getattr(token, what)()
        elif what == "secret":
            self._answers.put(order)
        else:
            self._tokens[order["id"]] = CancelToken()
            self._orders.put(order)

    def work(self) -> None:
        """Carry out commands, one after the other, until the end of input."""
        while (order := self._orders.get()) is not None:
            self._id = order["id"]
            cancel = self._tokens[self._id]
            try:
                if cancel.stopping:  # before its turn
                    self._tell(RunFinished(run="", hosts={}))
                    continue
                for event in self._events(order, cancel):
                    self._tell(event)
            except OnboardError as error:
                self._end(error)
            except Exception as error:  # noqa: BLE001 - told as an event; the wizard goes on
                self._end(keep_defect(error))
            finally:
                del self._tokens[self._id]
        self._grace.cancel()

    def _end(self, error: OnboardError) -> None:
        self._tell(failure(error))
        self._tell(RunFinished(run="", hosts={}))

    def _events(self, order: Order, cancel: CancelToken) -> Iterator[Event]:
        command = COMMANDS.get(order["do"])
        if command is None:
            raise OnboardError(f"The engine has no command {order['do']}")
        folder = home()
        profile = _profile(order, folder)
        with workbench(folder, profile.credentials, prompt=self._ask, mfa_code=self._ask_for_code) as tools:
            yield from command(order, profile, tools, cancel)
            if tools.memory.refused:
                self._secrets.clear()  # one of them is wrong: the next command asks again

    def _ask(self, name: str, question: str) -> str | None:
        """Ask the wizard for a secret; what it answered serves the commands that follow, too."""
        if name not in self._secrets:
            answer = self._answer_to(SecretWanted(name=name, question=question))
            value = answer.get("value")
            if not value:
                return None
            self._secrets[name] = value
            if answer.get("keep"):
                try:
                    remember(name, Secret(value))
                except OnboardError as error:  # it serves this process all the same
                    self._tell(Noted(text=str(error), level="warning"))
        return self._secrets[name]

    def _ask_for_code(self, prompt: str) -> Secret:
        """A code of an MFA device is good once, and so asked for each time."""
        return code_of(self._answer_to(SecretWanted(name=MFA, question=prompt, once=True)).get("value"))

    def _answer_to(self, wanted: SecretWanted) -> Order:
        """What the wizard answers; nothing once it has gone."""
        self._tell(wanted)
        answer = self._answers.get()
        if answer is None:
            self._answers.put(None)  # whoever asks next waits no longer than this one
        return answer or {}

    def _tell(self, event: Event) -> None:
        if isinstance(event, FactsGathered):
            event = replace(event, facts={})  # bulky, and no page shows them: evidence stands in findings
        with self._lock:
            if self._is_heard:
                try:
                    for part in in_parts(event):
                        self._write(json.dumps({"id": self._id, **part.to_json()}) + "\n")
                    sys.stdout.flush()
                except OSError:  # the wizard has gone: what runs is brought to its end, and to the journal, untold
                    self._is_heard = False


def _profile(order: Order, folder: Path) -> Profile:
    """The order's. To undo a run, the one that it ran with, since the draft may have moved on; with the draft's
    credentials, since those may have been mended before the run was resumed.
    """
    profile = Profile.model_validate(order.get("profile") or {})
    if order["do"] != "undo":
        return profile
    with closing(Journal(folder)) as journal:
        of_run = Profile.model_validate(json.loads(journal.run(order["run"]).profile))
    return of_run.model_copy(update={"credentials": {**of_run.credentials, **profile.credentials}})


def _check(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.check import check

    return check(profile, tools, cancel, profile_path=order.get("path", ""), only=tuple(order.get("only", ())))


def _plan(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.check import plan

    return plan(profile, tools, cancel, profile_path=order.get("path", ""))


def _apply(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.apply import apply

    return apply(
        profile,
        tools,
        cancel,
        profile_path=order.get("path", ""),
        approved=plan_from_json(order["plan"]) if order.get("plan") else None,
        resume=tools.journal.run(order["resume"]) if order.get("resume") else None,
    )


def _undo(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.undo import undo

    record = tools.journal.run(order["run"])
    return undo(profile, record, tools, cancel, profile_path=record.profile_path)


def _trust(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """`approve`: server → fingerprint of the keys that were looked at; `known_hosts`: a file to compare with."""
    from onboard.engine.trust import trust

    supplied = KnownHosts.from_file(Path(order["known_hosts"])) if order.get("known_hosts") else None
    approve = order.get("approve")
    return trust(profile, tools, cancel, supplied=supplied, approve=approve)


def _probe(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.probe import probe

    host = next(host for host in profile.hosts if host.name == order["host"])
    return probe(profile, host, tools, cancel)


def _account(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.account_facts import account

    return account(profile, tools, cancel)


def _preview(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.account_facts import preview

    return preview(profile, tools, cancel)


def _runs(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.history import runs

    return runs(tools.journal, order.get("path", ""))


def _show_run(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """`run`: which one; the profile's last when none is named."""
    from onboard.engine.history import last_run, replay

    journal = tools.journal
    named = order.get("run")
    record = journal.run(named) if named else last_run(journal, order.get("path", ""), profile.name)
    return replay(record, journal) if record else iter((RunFinished(run="", hosts={}),))


def _undo_preview(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    from onboard.engine.history import undo_preview

    return undo_preview(tools.journal.run(order["run"]), tools.journal)


def _regions(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """`servers`: names of those to measure from, beside this computer."""
    from onboard.engine.regions import regions

    names = set(order.get("servers", ()))
    servers = [host for host in profile.hosts if host.name in names]
    return regions(profile, tools, cancel, servers=servers, profile_path=order.get("path", ""))


def _report(order: Order, profile: Profile, tools: Tools, cancel: CancelToken) -> Iterator[Event]:
    """`run`, `format` (html, csv or json), `file`: where to write it."""
    from onboard.cli.report import FORMATS, report_of_run

    record = tools.journal.run(order["run"])
    write_private(Path(order["file"]), FORMATS[order["format"]](report_of_run(record, tools.journal)))
    yield ReportWritten(run=record.run, path=order["file"])
    yield RunFinished(run="", hosts={})


COMMANDS: Mapping[str, Callable[[Order, Profile, Tools, CancelToken], Iterator[Event]]] = {
    "account": _account,
    "apply": _apply,
    "check": _check,
    "plan": _plan,
    "preview": _preview,
    "probe": _probe,
    "regions": _regions,
    "report": _report,
    "runs": _runs,
    "show_run": _show_run,
    "trust": _trust,
    "undo": _undo,
    "undo_preview": _undo_preview,
}
