"""onboard/SECURITY.md names a test for each of its statements: those tests exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "onboard" / "SECURITY.md"
CITED = re.compile(r"`([a-z_/]+\.py)(?:::(\w+))?`")


def test_every_test_that_the_page_names_is_there() -> None:
    cited = CITED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(cited) > 20
    lost = [
        f"{file}::{name}"
        for file, name in cited
        if not (TESTS / file).is_file() or f"def {name or 'test_'}" not in (TESTS / file).read_text(encoding="utf-8")
    ]
    assert not lost
