"""Words for people, as values: texts that keep their template, and remedies that keep their commands apart.

`Text` and `Remedy` are strings, finished English, and go wherever a string goes. What they remember on top lets equal
causes be grouped by template, commands be shown ready to copy, and languages be added.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, overload

from onboard.model.harmless import Harmless, harmless

LONGEST_WORD = 256  # characters of what came from elsewhere that may stand in a command
FEW = 3  # values that differ among texts of one template, and are named


class Text(str):
    """`Text("clock {minutes} minutes slow", minutes=7)`: the finished sentence, with its template and values.

    The template is a literal; whatever changes from server to server goes in by name. Without values the template is
    taken as it stands, braces and all.
    """

    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, /, **values: object) -> Self:
        template, texts = harmless(template), {name: harmless(str(value)) for name, value in values.items()}
        self = super().__new__(cls, template.format_map(texts) if texts else template)
        self.template, self.values = template, texts
        return self


def phrase(text: str) -> str:
    """Marks a literal that becomes a `Text` or `Remedy` elsewhere, so that it is found for translation."""
    return text


@overload
def joined(first: Text, second: Text, by: str = ": ") -> Text: ...
@overload
def joined(first: str, second: str, by: str = ": ") -> str: ...
def joined(first: str, second: str, by: str = ": ") -> str:
    """Two texts as one that keeps the templates of both: `The agent was not installed: the disk is full`."""
    if not (first and second):
        return first or second
    if not isinstance(first, Text) and not isinstance(second, Text):
        return f"{first}{by}{second}"
    (one, its), (other, others) = _formatted(first), _formatted(second)
    for name in its.keys() & others.keys():  # the same name for different things
        other = other.replace(f"{{{name}}}", f"{{{name}_2}}")
    renamed = {f"{name}_2" if name in its else name: value for name, value in others.items()}
    return Text(f"{one}{by}{other}", **its, **renamed)


def _formatted(text: str) -> tuple[str, Mapping[str, str]]:
    """A template to be formatted, and its values; braces that stand for themselves doubled."""
    template, values = _parts(text)
    return (template, values) if values else (template.replace("{", "{{").replace("}", "}}"), {})


def and_more(names: Sequence[str], shown: int, by: str = ", ", *, more: int = 0) -> str:
    """`a, b, c and 4 more`. `more`: how many there are besides `names`."""
    more += max(0, len(names) - shown)
    return by.join(names[:shown]) + (f" and {more:,} more" if more else "")


def servers(count: int) -> str:
    return "1 server" if count == 1 else f"{count:,} servers"


class Command(str):
    """A command line that runs as it stands, made by `sh`: each word is quoted for its shell."""

    def __or__(self, other: "Command | None") -> "Command | None":
        """Both as a pipeline."""
        return Command(f"{self} | {other}") if other else None


def sh(*words: str | None) -> Command | None:
    """A command for a POSIX shell from its words; None when one of them is None, as `foreign` may be."""
    known = [word for word in words if word is not None]
    return Command(shlex.join(known)) if len(known) == len(words) else None


def foreign(word: str) -> str | None:
    """What came from a server, AWS or a proxy, to stand in a command as one word. None where it cannot be one.

    A leading dash would make it an option; characters that do not print, or very many, nobody can check by eye.
    """
    fits = 0 < len(word) <= LONGEST_WORD and word.isprintable() and not word.startswith("-")
    return word if fits else None


class Remedy(str):
    """What to do: words, and commands one by one, each ready to run. As a string: `words: command; command`."""

    words: str
    commands: tuple[Command, ...]

    def __new__(cls, words: str, *commands: Command | None) -> Self:
        """`words`: a sentence without its full stop. Commands that are None, since none can be given, are left out."""
        words, given = harmless(words), tuple(command for command in commands if command)
        self = super().__new__(cls, ": ".join(part for part in (words, "; ".join(given)) if part))
        self.words, self.commands = words, given
        return self

    @classmethod
    def of(cls, remedy: str) -> "Remedy":
        """A remedy with its parts, also of a plain string, which is words alone."""
        return remedy if isinstance(remedy, Remedy) else cls(remedy)


@dataclass(frozen=True, slots=True)
class Phrasing(Harmless):
    """What a sentence is made of, for plans and events: there it stands as finished English too."""

    template: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> Text:
        return Text(self.template, **self.values)


def phrasing_of(sentence: str) -> Phrasing | None:
    """None where the finished sentence says all: it has no values."""
    template, values = _parts(sentence)
    return Phrasing(template, values) if values else None


def phrasings_of(sentences: Iterable[str]) -> dict[str, Phrasing]:
    """Finished sentence → what it is made of, without those that say all."""
    return {str(one): phrasing for one in sentences if (phrasing := phrasing_of(one))}


def texts_of(sentences: Iterable[str], phrasings: Mapping[str, Phrasing]) -> tuple[Text, ...]:
    """Finished sentences as they were before `phrasings_of` took them apart."""
    return tuple(phrasings[one].sentence if one in phrasings else Text(one) for one in sentences)


@dataclass(frozen=True, slots=True)
class Wording(Phrasing):
    """What a sentence and its remedy are made of.

    template, values        of the sentence
    advice, advice_values   of the remedy's words
    commands                of the remedy, each ready to run
    """

    advice: str = ""
    advice_values: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()

    @property
    def remedy_words(self) -> Text:
        return Text(self.advice, **self.advice_values)

    @property
    def remedy(self) -> Remedy:
        """Words and commands in one string, as `Remedy` has them."""
        return Remedy(self.remedy_words, *map(Command, self.commands))


def wording_of(sentence: str, remedy: str) -> Wording | None:
    """None where the finished strings say all: no values, and no commands."""
    what = Remedy.of(remedy)
    (template, values), (advice, advice_values) = _parts(sentence), _parts(what.words)
    if not (values or advice_values or what.commands):
        return None
    return Wording(template, values, advice, advice_values, what.commands)


def _parts(text: str) -> tuple[str, Mapping[str, str]]:
    return (text.template, text.values) if isinstance(text, Text) else (str(text), {})


def merged(wordings: Iterable[Wording]) -> Wording:
    """One wording for many of the same templates: of values that differ, the first few are named, or their range."""
    every = list(wordings)
    first = every[0]
    if all(one == first for one in every):
        return first
    return Wording(
        first.template,
        _merged_values([one.values for one in every]),
        first.advice,
        _merged_values([one.advice_values for one in every]),
        tuple(dict.fromkeys(command for one in every for command in one.commands))[:FEW],
    )


def merged_text(texts: Iterable[Text]) -> Text:
    """One text for many of the same template, as in `merged`."""
    every = list(texts)
    return Text(every[0].template, **_merged_values([one.values for one in every]))


def _merged_values(values: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: _listed(dict.fromkeys(one[name] for one in values)) for name in values[0]}


def _listed(values: Iterable[str]) -> str:
    """`a, b, c and 2 more`; numbers as a range: `5–12`."""
    found = list(values)
    if len(found) > 1 and all(re.fullmatch(r"[0-9]{1,15}", value) for value in found):
        numbers = sorted(map(int, found))
        return f"{numbers[0]}–{numbers[-1]}"
    return and_more(found, FEW)
