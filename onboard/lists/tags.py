"""Tags as people write them in one cell or field: `site=fra, team=web`."""

import re

from onboard.model.errors import Problem
from onboard.model.formats import shown


def parse_tags(text: str, key: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The tags in a text, and what is wrong with the others. `key` is what the problems call the place."""
    tags: dict[str, str] = {}
    problems: list[Problem] = []
    for part in filter(None, map(str.strip, re.split(r"[;,|\n]", text))):
        tag, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not tag:
            problems.append(Problem(key, f"{shown(part)} is not a tag", "Write KEY=VALUE, KEY=VALUE"))
        elif tags.setdefault(tag, value) != value:
            problems.append(Problem(key, f"the tag {shown(tag)} has two values", "Keep one of them"))
    return tags, tuple(problems)
