"""What the wizard says goes through `tr`, so that languages can be added.

The convention, for every file of gui/:

* Text that people read is a literal inside `tr("…")`; what changes goes in by name: `tr("Next: {page}", page=title)`.
  Never put a sentence together from pieces, and never translate a variable.
* What is counted goes through `plural("{n} server", "{n} servers", n)`.
* Names of servers, paths, commands, what a server or AWS answered, and words of the profile are not translated.

`lupdate` finds the texts when told that `tr` and `plural` stand for its `translate`: see CONTEXT.
"""

from PySide6.QtCore import QCoreApplication

CONTEXT = "Onboard"  # one context for all: a sentence reads the same on each page


def tr(text: str, /, **fields: object) -> str:
    """`text` in the user's language, then `{name}` replaced by the field of that name."""
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(**fields) if fields else translated


def plural(one: str, many: str, n: int, /, **fields: object) -> str:
    """`one` when n is 1 and `many` otherwise, or the form that the user's language has for n. `{n}` becomes n."""
    translated = QCoreApplication.translate(CONTEXT, many, one, n)
    chosen = one if n == 1 and translated == many else translated
    return chosen.format(n=f"{n:,}", **fields)
