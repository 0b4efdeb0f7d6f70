"""Every parser by outputs as data files.

A file's first line says where its output comes from; then the output; then `=== value` and the value as JSON, or
`=== refused` and the error's text.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.facts.base import Answer, Fact, FactError, to_json
from onboard.facts.catalog import FACTS

HERE = Path(__file__).parent
SAMPLES = sorted(HERE.glob("*/*/*.txt"))  # FAMILY/FACT/SAMPLE.txt


def names(sample: Path) -> str:
    return f"{sample.parent.name}/{sample.stem}"


def read(sample: Path) -> tuple[str, str, str, str]:
    """(origin, output, `value` or `refused`, what is expected)."""
    origin, _, rest = sample.read_text(encoding="utf-8").partition("\n")
    found = re.fullmatch(r"(.*\n|)=== (value|refused)\n(.*)", rest, re.DOTALL)
    assert found, f"{names(sample)} has no `=== value` and no `=== refused`"
    return origin, found[1], found[2], found[3].strip()


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_outputs_are_understood(sample: Path) -> None:
    fact = {fact.name: fact for fact in FACTS}[sample.parent.name]
    _, output, kind, expected = read(sample)
    if kind == "value":
        assert to_json(fact.parse(Answer(output))) == json.loads(expected)
    else:
        with pytest.raises(FactError) as refused:
            fact.parse(Answer(output))
        assert str(refused.value) == expected


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_outputs_say_where_they_come_from(sample: Path) -> None:
    origin = read(sample)[0]
    assert origin.startswith(("# recorded ", "# written from documentation: ", "# written by hand: ", "# made up"))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact.name))
def test_every_fact_has_outputs(fact: Fact[Any]) -> None:
    assert [sample for sample in SAMPLES if sample.parent.name == fact.name]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact.name))
def test_no_output_makes_a_parser_raise_anything_but_its_error(fact: Fact[Any]) -> None:
    lines = sorted({line for sample in SAMPLES for line in read(sample)[1].splitlines() if len(line) < 200})
    keys = sorted({line.partition(" ")[0] for line in lines})
    words = sorted({word for line in lines for word in line.split()})
    line = st.one_of(
        st.sampled_from(lines),
        st.text(),
        st.builds(" ".join, st.tuples(st.sampled_from(keys), st.text())),
        st.lists(st.sampled_from(words) | st.text(max_size=12), max_size=6).map(" ".join),
    )

    @given(st.lists(line, max_size=12).map("\n".join) | st.text())
    def parse(output: str) -> None:
        try:
            value = fact.parse(Answer(output))
        except FactError:
            return
        json.dumps(to_json(value))

    parse()
