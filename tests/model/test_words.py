"""Texts keep their template, remedies their commands, and nothing foreign becomes more than one word of a command."""

import json
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.model.causes import causes_of
from onboard.model.event_json import event_from_json
from onboard.model.events import HostFinished
from onboard.model.finding import Finding, Verdict
from onboard.model.state import fold
from onboard.model.status import HostStatus
from onboard.model.words import Command, Remedy, Text, foreign, joined, sh, wording_of

SHELL_TROUBLE = ["/usr;curl x|sh;#", "$(id)", "`id`", "a b", "it's", '"', "\\", "a\\", "*", "~root", "ä", "'; id; '"]


def test_a_text_is_its_sentence_and_keeps_what_it_is_made_of() -> None:
    text = Text("clock {minutes} minutes slow", minutes=7)
    assert text == "clock 7 minutes slow"
    assert (text.template, text.values) == ("clock {minutes} minutes slow", {"minutes": "7"})
    assert Text("no {values} here") == "no {values} here"
    assert Text("{what}", what="a {brace} told by a server") == "a {brace} told by a server"


def test_texts_are_joined_with_their_templates() -> None:
    both = joined(Text("{agent} failed", agent="a"), Text("{agent} of {count}", agent="b", count=2))
    assert both == "a failed: b of 2"
    assert isinstance(both, Text)
    assert both.template == "{agent} failed: {agent_2} of {count}"
    assert joined("a {b}", Text("{c}", c=1)) == "a {b}: 1"
    assert joined("a", "") == "a"


@pytest.mark.parametrize("word", SHELL_TROUBLE)
def test_what_a_server_said_is_one_word_of_a_command(word: str) -> None:
    command = sh("printf", r"%s\n", foreign(word), "end")
    assert command is not None
    assert shlex.split(command) == ["printf", r"%s\n", word, "end"]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [word, "end"]


@pytest.mark.parametrize("word", ["", "-rf", "--help", "a\nb", "\x1b[2J", "\u202e", "x" * 257])
def test_what_cannot_be_a_word_is_in_no_command(word: str) -> None:
    assert sh("ls", foreign(word)) is None
    assert Remedy("Look there", sh("ls", foreign(word))).commands == ()


@given(st.text())
def test_no_word_whatsoever_adds_words(word: str) -> None:
    command = sh("ls", foreign(word))
    assert command is None or shlex.split(command) == ["ls", word]


def test_a_pipeline_joins_commands_and_is_none_without_one_of_them() -> None:
    used, shown = sh("du", "-xh", "/a b"), sh("sort", "-h")
    assert used is not None
    assert used | shown == "du -xh '/a b' | sort -h"
    assert used | None is None


def test_a_remedy_is_words_and_commands() -> None:
    remedy = Remedy("Finish it", sh("sudo", "dpkg", "--configure", "-a"), None, Command("reboot"))
    assert remedy == "Finish it: sudo dpkg --configure -a; reboot"
    assert (remedy.words, remedy.commands) == ("Finish it", ("sudo dpkg --configure -a", "reboot"))
    assert wording_of("a", "b") is None


def slow(host: str, minutes: int) -> HostFinished:
    summary = Text("clock {minutes} minutes slow", minutes=minutes)
    remedy = Remedy("Set it", sh("sudo", "chronyc", "makestep"))
    found = Finding.of("clock_in_sync", Verdict.FAIL, summary, remedy=remedy)
    return HostFinished(host=host, status=HostStatus.BLOCKED, findings=(found,))


def test_causes_are_grouped_by_template_also_when_they_came_as_json() -> None:
    events = [event_from_json(json.loads(json.dumps(slow(*one).to_json()))) for one in (("a", 7), ("b", 12), ("c", 7))]
    (cause,) = causes_of(fold(event for event in events if event).hosts.values())
    assert cause.hosts == ("a", "b", "c")
    assert cause.summary == "clock 7–12 minutes slow"
    assert cause.remedy == "Set it: sudo chronyc makestep"
    assert cause.words.commands == ("sudo chronyc makestep",)


def test_values_that_are_no_numbers_are_named_as_far_as_they_are_few() -> None:
    def lost(name: str) -> HostFinished:
        reason = Text("{service} cannot be reached", service=name)
        return HostFinished.of(name, HostStatus.FAILED, reason=reason, remedy="Open it")

    (cause,) = causes_of(fold([lost(name) for name in ("ssm", "s3", "logs", "kms", "sts")]).hosts.values())
    assert cause.summary == "ssm, s3, logs and 2 more cannot be reached"
