"""A language can be added: texts are marked where Qt's tools find them, and their translations come back."""

import ast
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
from onboard.gui.text import plural, say, tr
from onboard.wizard.stages import STAGES
from onboard.wizard.text import said

PACKAGE = Path(onboard.__file__).parent
LITERALS = {"tr": 1, "plural": 2, "said": 1, "counted": 2}  # function → how many of its arguments are texts
ROOMS = ("gui", "wizard")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Where texts are marked: (place, call)."""
    for room in ROOMS:
        for file in sorted((PACKAGE / room).rglob("*.py")):
            name = file.relative_to(PACKAGE).as_posix()
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for node in _outside_say(tree) if name == "gui/text.py" else ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in LITERALS:
                    yield f"{name}:{node.lineno}", node


def _outside_say(tree: ast.Module) -> Iterator[ast.AST]:
    """`say` is the one function that translates what was marked elsewhere."""
    for top in tree.body:
        if not (isinstance(top, ast.FunctionDef) and top.name == "say"):
            yield from ast.walk(top)


def texts(call: ast.Call) -> tuple[str, ...] | None:
    """The literals of a call, the singular first; None when one of them is no literal."""
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
    finally:
        QCoreApplication.removeTranslator(translator)
