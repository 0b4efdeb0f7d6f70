"""Translation: every text of the wizard goes through `tr`, so that languages can be added.

The convention, for every file of gui/:

* Text that people read is a literal inside `tr("…")`; what changes goes in by name: `tr("Next: {page}", page=title)`.
  Never put a sentence together from pieces, never translate a variable, and no `tr` inside an f-string.
* What is counted goes through `plural("{n} server", "{n} servers", n)`.
* A text of wizard/ is `Said`, made of literals too: `say` it.
* A text of a room below wizard/ is `Text`, or the words of a `Remedy`, with a literal as its template, or one that is
  marked with `phrase("…")` where a table holds it: `say` it, and it is translated by its template. Events and plans
  have it as finished English beside its `Wording` or `Phrasing`: say `sentence`, `remedy_words`, or what `texts_of`
  gives.
* Names of servers, paths, commands, what a server or AWS answered, and words of the profile are not translated; nor is
  what stands as a plain string below wizard/, or was joined from texts.

To add a language, let Qt's tools find the texts, translate them with pyside6-linguist, and make the file of it that a
QTranslator loads:

    pyside6-lupdate -extensions py -tr-function-alias \
        tr+=plural,tr+=said,tr+=counted,tr+=Text,tr+=Remedy,tr+=phrase onboard -ts de.ts
    pyside6-lrelease de.ts -qm de.qm

The application (gui/app.py) installs that QTranslator, and sets the QLocale that names months and days.
"""

from PySide6.QtCore import QCoreApplication, QLocale

from onboard.model.words import Text
from onboard.wizard.text import Said, Words
from onboard.wizard.time_words import Day, Moment, moment

CONTEXT = ""  # one lupdate context for all: a sentence reads the same on every page


def tr(text: str, /, **fields: object) -> str:
    """`text` in the user's language, then `{name}` replaced by the field of that name."""
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(**fields) if fields else translated


def plural(one: str, many: str, n: int, /, **fields: object) -> str:
    """`one` when n is 1 and `many` otherwise, or the form that the user's language has for n. `{n}` becomes n."""
    translated = QCoreApplication.translate(CONTEXT, one, many, n)
    chosen = many if n != 1 and translated == one else translated
    return chosen.format(n=f"{n:,}", **fields)


def say(words: Words) -> str:
    """A text of wizard/, or of a room below it, in the user's language. What others said, a str, stays as it is."""
    if isinstance(words, Text):
        return tr(words.template, **words.values) if words else ""
    if isinstance(words, str):
        return words
    fields = {name: _field(value) for name, value in words.fields}
    return plural(words.text, words.many, words.n, **fields) if words.many else tr(words.text, **fields)


def _field(value: object) -> object:
    if isinstance(value, Said | Text):
        return say(value)
    return _told(value) if isinstance(value, Moment) else value


def when(text: str) -> str:
    """An ISO 8601 moment as people say it, in local time: today 14:09, Monday, 24 November."""
    return _told(moment(text))


def _told(found: Moment) -> str:
    local, locale = found.local, QLocale()
    time = f"{local:%H:%M}"
    match found.day:
        case Day.TODAY:
            return tr("today {time}", time=time)
        case Day.YESTERDAY:
            return tr("yesterday {time}", time=time)
        case Day.WEEKDAY:
            return locale.dayName(local.isoweekday())
        case Day.THIS_YEAR:
            return tr("{day} {month}", day=local.day, month=locale.monthName(local.month))
        case Day.OTHER:
            return tr("{day} {month} {year}", day=local.day, month=locale.monthName(local.month), year=local.year)


def date_and_time(text: str) -> str:
    """An ISO 8601 moment to the minute, in local time: 2026-11-24 14:09."""
    return f"{moment(text).local:%Y-%m-%d %H:%M}"
