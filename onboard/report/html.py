"""A run as one HTML page that needs nothing else: no script, no other file, nothing from the network."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from html import escape

from onboard import __version__, resources
from onboard.model.changes import ChangeName
from onboard.model.outcome import Sign, end_need, end_note, end_sign, sign_of_verdict, troubles
from onboard.model.state import HostState, State
from onboard.model.status import HostStatus
from onboard.model.words import Wording, and_more
from onboard.report.document import Report, system

NAMED = 20  # servers that a cause names; all of them are in the table
_TITLES = {"apply": "Onboarding report", "check": "Report of checks", "plan": "Report of a plan", "undo": "Undo report"}


def html_report(report: Report) -> str:
    """The page, as text to be written in UTF-8. Whatever a server, AWS or a profile said is escaped."""
    title = _TITLES.get(report.command, "Report")
    name = report.state.profile or report.profile or report.run
    parts = (
        f"<header><h1>{title}</h1><p class=muted>{escape(name)}</p></header>",
        _numbers(report),
        _failure(report),
        _facts(report),
        _causes(report),
        _servers(report),
        _aws(report),
        f"<footer>Onboard {__version__} · run <code>{escape(report.run)}</code></footer>",
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(f'{title}: {name}')}</title>\n<style>\n{_style()}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _style() -> str:
    tokens = json.loads(resources.text("styles/tokens.json"))
    schemes = {scheme: " ".join(f"--{name}: {value};" for name, value in tokens[scheme].items()) for scheme in tokens}
    return re.sub("@(light|dark)", lambda match: schemes[match[1]], resources.text("styles/report.css"))


def _numbers(report: Report) -> str:
    ends = [report.outcome(host) for host in report.state.hosts.values()]
    skipped = ends.count(HostStatus.SKIPPED)
    well = sum(_is_well(end) for end in ends)
    word = _word(report)
    boxes = (
        (well, word, "ok"),
        (len(ends) - well - skipped, f"not {word}", "bad"),
        (skipped, "skipped", "idle"),
    )
    cards = (
        f'<div class=card><b class="{tone if count else "idle"}">{count:,}</b> {label}</div>'
        for count, label, tone in boxes
    )
    return f'<div class="numbers">{"".join(cards)}</div>'


def _is_well(end: HostStatus | None) -> bool:
    return end is not None and end.is_well


def _word(report: Report) -> str:
    """What a server is when all is well."""
    return {"apply": "online", "undo": "restored"}.get(report.command, "ready")


def _failure(report: Report) -> str:
    failure = report.state.failure
    if not failure:
        return ""
    lines = [failure.where, failure.why, failure.remedy, *map(str, failure.problems)]
    rest = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    return f'<div class="card failure"><b class=bad>✕ {escape(failure.what)}</b>{rest}</div>'


def _facts(report: Report) -> str:
    account = report.state.account
    rows = {
        "Profile": report.profile,
        "Account": f"{account.account} · {account.region}" if account else "",
        "As": account.arn if account else "",
        "By": report.state.who,
        "Started": _moment(report.started),
        "Ended": _moment(report.finished) if report.finished else "It was interrupted",
        "Activation": _activation(report.state),
    }
    body = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value)
    return f"<dl class=card>{body}</dl>"


def _activation(state: State) -> str:
    if not any(change.change == ChangeName.CREATE_ACTIVATION for change in state.aws_changes):
        return ""
    if state.activations_left:
        return f"Not deleted: {', '.join(state.activations_left)}. Resume or undo the run, or delete it in the console"
    return "Deleted: it can no longer be used to register"


def _moment(text: str) -> str:
    """ISO 8601 in UTC, for people."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return text


def _causes(report: Report) -> str:
    rows = [
        (
            f"<td class=keep>{_mark(sign_of_verdict(cause.status), cause.status)}</td>",
            f"<td>{_what(cause.summary, cause.words)}</td>",
            f"<td class=number>{len(cause.hosts):,}</td>",
            f"<td>{escape(and_more(cause.hosts, NAMED))}</td>",
        )
        for cause in report.causes
    ]
    return _table("Causes, grouped", ("", "What, and what to do", "Servers", "Which"), rows)


def _servers(report: Report) -> str:
    """What needs a person first."""
    hosts = sorted(report.state.hosts.values(), key=lambda host: end_need(host, report.command))
    word = _word(report)
    columns = ("Server", "Status", "Node", "System", "Why, and what to do")
    well = [_server(host, report) for host in hosts if _is_well(report.outcome(host))]
    rest = [_server(host, report) for host in hosts if not _is_well(report.outcome(host))]
    return _table(f"Not {word}", columns, rest) + _table(word.capitalize(), columns, well)


def _server(host: HostState, report: Report) -> Sequence[str]:
    node = f"<code>{escape(host.instance_id)}</code>" if host.instance_id else ""
    sign, word = end_sign(host, report.command), report.outcome(host) or "not finished"
    reasons = "".join(_what(one.summary, one.words, one.evidence) for one in troubles(host))
    return (
        f"<td class=name>{escape(host.name)}</td>",
        f"<td class=keep>{_mark(sign, word, is_word_shown=True)}{end_note(host, report.command)}</td>",
        f"<td class=keep>{node}</td>",
        f"<td>{escape(system(host))}</td>",
        f"<td>{reasons}</td>",
    )


def _what(summary: str, words: Wording, evidence: str = "") -> str:
    """What is wrong, what to do, and what was seen on that very server."""
    return "".join(
        (
            f"<p>{escape(summary)}</p>",
            f"<p class=remedy>{escape(words.remedy_words)}</p>" if words.advice else "",
            *(f"<pre class=command>{escape(command)}</pre>" for command in words.commands),
            f"<pre class=evidence>{escape(evidence)}</pre>" if evidence else "",
        )
    )


def _aws(report: Report) -> str:
    rows = [
        (f"<td>{escape(change.summary)}</td>", f"<td><code>{escape(change.subject)}</code></td>")
        for change in report.state.aws_changes
    ]
    return _table("Changes in AWS", ("What", "Of"), rows)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Nothing without rows; a column in which no row says anything is left out."""
    if not rows:
        return ""
    kept = [index for index in range(len(columns)) if any(re.search(">[^<]", row[index]) for row in rows)]
    head = "".join(f"<th scope=col>{columns[index]}</th>" for index in kept)
    body = "\n".join("<tr>" + "".join(row[index] for index in kept) + "</tr>" for row in rows)
    return (
        f'<section><h2>{title}</h2><div class="card table"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div></section>\n"
    )


def _mark(sign: Sign, word: str, *, is_word_shown: bool = False) -> str:
    """Glyph, word and colour; the word for screen readers alone where the text next to it says as much."""
    word = word.capitalize()
    text = f"{sign} {word}" if is_word_shown else f'<span role=img aria-label="{word}">{sign}</span>'
    return f"<span class={sign.tone}>{text}</span>"
