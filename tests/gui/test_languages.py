"""A language can be added: Qt's tools find the marked texts, and their translations are used."""

import ast
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator

import onboard
from onboard.gui import text
from onboard.gui.models.plan_tree import PlanTree
from onboard.gui.text import plural, say, tr
from onboard.model.event_json import event_from_json
from onboard.model.events import HostJudged
from onboard.model.finding import Finding, Verdict
from onboard.model.plan import Change
from onboard.model.status import HostStatus
from onboard.model.words import Text
from onboard.wizard.check_titles import title_of
from onboard.wizard.plan_outline import Outline
from onboard.wizard.stages import STAGES
from onboard.wizard.step_words import doing
from onboard.wizard.text import said

PACKAGE = Path(onboard.__file__).parent
# function → how many of its arguments are texts
LITERALS = {"tr": 1, "plural": 2, "said": 1, "counted": 2, "phrase": 1, "Text": 1, "Remedy": 1}
BELOW = {"phrase", "Text", "Remedy"}  # what marks texts of rooms below wizard/


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Where texts are marked: (place, call)."""
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        marks = LITERALS.keys() if name.startswith(("gui/", "wizard/")) else BELOW
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in _outside_say(tree) if name == "gui/text.py" else ast.walk(tree):
            is_mark = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in marks
            if is_mark and name != "model/words.py" and not _is_marked_elsewhere(node):
                yield f"{name}:{node.lineno}", node


def _is_marked_elsewhere(call: ast.Call) -> bool:
    """Whether it makes a `Text` or `Remedy` of a text that has its own mark: of a name, or of another call."""
    assert isinstance(call.func, ast.Name)
    made_of = call.args[0]
    return call.func.id in {"Text", "Remedy"} and not isinstance(made_of, ast.Constant | ast.JoinedStr | ast.BinOp)


def _outside_say(tree: ast.Module) -> Iterator[ast.AST]:
    """`say` is the one function that translates what was marked elsewhere."""
    for top in tree.body:
        if not (isinstance(top, ast.FunctionDef) and top.name == "say"):
            yield from ast.walk(top)


def texts(call: ast.Call) -> tuple[str, ...] | None:
    """The literals of a call, the singular first; None if one of them is not a literal."""
    assert isinstance(call.func, ast.Name)
    wanted = LITERALS[call.func.id]
    given = [one.value for one in call.args[:wanted] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return tuple(given) if len(given) == wanted and all(given) else None


def test_every_text_is_a_literal_where_it_is_marked() -> None:
    assert [f"{place}: {ast.unparse(call)}" for place, call in calls() if texts(call) is None] == []


def tools(*names: str) -> list[str]:
    found = [shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name) for name in names]
    if not all(found):
        pytest.skip(f"needs {' and '.join(names)}, of PySide6-Essentials")
    return [str(one) for one in found]


def commands() -> dict[str, list[str]]:
    """Qt's tools as gui/text.py says they are called: name → its arguments."""
    lines = [line.strip() for line in (text.__doc__ or "").splitlines()]
    return {words[0]: words[1:] for line in lines if line.startswith("pyside6-l") and (words := shlex.split(line))}


def run(program: str, arguments: list[str], folder: Path) -> None:
    made = [str(folder / one) if one.endswith((".ts", ".qm")) else one for one in arguments]
    subprocess.run([program, *made], cwd=PACKAGE.parent, check=True, capture_output=True, timeout=60)


def unsupported_kernel() -> Finding:
    """The event as the window receives it: through JSON."""
    finding = Finding.of("kernel_supported", Verdict.FAIL, Text("kernel {version} is older than 3.2", version="2.6"))
    judged = HostJudged(host="a", status=HostStatus.BLOCKED, findings=(finding,))
    told = event_from_json(json.loads(json.dumps(judged.to_json())))
    assert isinstance(told, HostJudged)
    return told.findings[0]


def first_line(change: Change) -> str:
    """The first change in AWS as the review lists it."""
    tree = PlanTree()
    tree.show(Outline(aws=(change,)))
    return str(tree.index(0, 0, tree.index(0, 0)).data())


def test_the_documented_tools_find_every_text_and_a_translation_comes_back(qapp: object, tmp_path: Path) -> None:
    lupdate, lrelease = tools("pyside6-lupdate", "pyside6-lrelease")
    told = commands()
    run(lupdate, told["pyside6-lupdate"], tmp_path)
    file = tmp_path / "de.ts"
    tree = ElementTree.parse(file)  # noqa: S314 - made just now
    parts = [(message.findtext("source"), message.findtext("comment")) for message in tree.iter("message")]
    found = {tuple(filter(None, part)) for part in parts}
    marked = {texts(call) for _, call in calls()}
    assert marked - found == set()
    assert len(marked) > 500

    for message in tree.iter("message"):
        translation = message.find("translation")
        assert translation is not None
        translation.attrib.pop("type", None)
        for form in translation.iter("numerusform"):
            form.text = f"«{message.findtext('comment')}»"
        if message.get("numerus") is None:
            translation.text = f"«{message.findtext('source')}»"
    tree.write(file, encoding="utf-8", xml_declaration=True)
    run(lrelease, told["pyside6-lrelease"], tmp_path)
    translator = QTranslator()
    assert translator.load(str(tmp_path / "de.qm"))
    QCoreApplication.installTranslator(translator)
    try:
        assert tr("&Next: {page}", page="X") == "«&Next: X»"
        assert plural("{n} server", "{n} servers", 1) == "«1 servers»"
        assert [say(stage.title) for stage in STAGES][:2] == ["«Start»", "«Account»"]
        assert say(said("Choose a Region")) == "«Choose a Region»"
        assert say(title_of("clock_in_sync").short) == "«Clock»"
        assert say(doing("install_agent")) == "«Installing the agent»"
        finding = unsupported_kernel()
        assert say(finding.words.sentence) == "«kernel 2.6 is older than 3.2»"
        assert finding.summary == "kernel 2.6 is older than 3.2"
        attach = Text("Attach policy {policy} to role {role}", policy="P", role="R")
        assert say(said("{change} ({subject})", change=attach, subject="R")) == "««Attach policy P to role R» (R)»"
        assert first_line(Change.of("attach_core_policy", attach)) == "«Attach policy P to role R»"
        assert say(Text("a server's own words, {braces} and all")) == "a server's own words, {braces} and all"
        assert say(Text("")) == ""
    finally:
        QCoreApplication.removeTranslator(translator)
