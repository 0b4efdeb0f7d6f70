"""Every text can be translated."""

from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QApplication

from onboard.gui.text import CONTEXT, plural, tr


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
