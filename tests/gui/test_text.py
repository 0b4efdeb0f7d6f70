"""Every text can be translated."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from onboard.gui.text import CONTEXT, date_and_time, plural, say, tr, when
from onboard.wizard.text import counted, said
from onboard.wizard.time_words import moment


class German(QTranslator):
    def translate(self, context: str, text: str, comment: str | None = None, n: int = -1) -> str:
        if context != CONTEXT:
            return ""
        return {"Next: {page}": "Weiter: {page}", "{n} server": f"{{n}} Server ({n})"}.get(text, "")

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False


def test_without_a_translation_the_text_stands_as_written(qapp: QApplication) -> None:
    assert tr("Next: {page}", page="Role") == "Next: Role"
    assert tr("{not a field}") == "{not a field}"
    assert [plural("{n} server", "{n} servers", n) for n in (0, 1, 2, 10_000)] == [
        "0 servers",
        "1 server",
        "2 servers",
        "10,000 servers",
    ]


def test_a_translation_takes_its_place(qapp: QApplication) -> None:
    german = German()
    QCoreApplication.installTranslator(german)
    try:
        assert tr("Next: {page}", page="Role") == "Weiter: Role"
        assert plural("{n} server", "{n} servers", 1) == "1 Server (1)"
    finally:
        QCoreApplication.removeTranslator(german)


@pytest.fixture
def days_named_in() -> Iterator[Callable[[QLocale.Language], None]]:
    before = QLocale()
    yield lambda language: QLocale.setDefault(QLocale(language))
    QLocale.setDefault(before)


def test_a_sentence_of_the_wizard_is_said_with_its_fields(
    qapp: QApplication, days_named_in: Callable[..., None]
) -> None:
    days_named_in(QLocale.Language.English)
    then = moment("2020-02-24T12:00:00+00:00")
    page = said("Role")
    assert say(said("{page}: {words}", page=page, words=counted("{n} server", "{n} servers", 2))) == "Role: 2 servers"
    assert say(said("Measured {when}", when=then)) == "Measured 24 February 2020"
    assert say("AccessDenied: {x}") == "AccessDenied: {x}", "what AWS said"


def test_days_are_named_in_the_users_language(qapp: QApplication, days_named_in: Callable[..., None]) -> None:
    days_named_in(QLocale.Language.German)
    assert when("2020-12-24T12:00:00+00:00") == "24 Dezember 2020"
    now = datetime.now(UTC).astimezone()
    assert when(now.isoformat()) == f"today {now:%H:%M}"
    assert date_and_time(now.isoformat()) == f"{now:%Y-%m-%d %H:%M}"
