"""A run as one HTML page that needs nothing else: no script, no file beside it, nothing from the network."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from onboard import __version__, resources
from onboard.model.errors import Problem
from onboard.model.status import HostStatus
from onboard.report.document import WELL, activations_left, system, why

Document = Mapping[str, Any]

NAMED = 20  # servers that a cause names; all of them stand in the table
_LOOKS = {
    "online": ("✓", "ok"),
    "ready": ("✓", "ok"),
    "warned": ("▲", "warn"),
    "blocked": ("✕", "bad"),
    "failed": ("✕", "bad"),
    "unreachable": ("✕", "bad"),
    "untrusted": ("▲", "warn"),
    "skipped": ("–", "idle"),
    "fail": ("✕", "bad"),
    "unknown": ("?", "idle"),
    "warn": ("▲", "warn"),
}
_ATTENTION = ("failed", "unreachable", "untrusted", "blocked", "skipped", "unfinished", "warned", "ready", "online")
_TITLES = {"apply": "Onboarding report", "check": "Report of checks", "plan": "Report of a plan", "undo": "Undo report"}


def html_report(document: Document) -> str:
    """The page, as text to be written in UTF-8. Whatever a server, AWS or a profile said is escaped."""
    document = _ended_only(document)
    title = _TITLES.get(document["command"], "Report")
    name = document["profile_name"] or document["profile"] or document["run"]
    parts = (
        f"<header><h1>{title}</h1><p class=muted>{escape(name)}</p></header>",
        _numbers(document),
        _failure(document),
        _facts(document),
        _causes(document),
        _servers(document),
        _aws(document),
        f"<footer>Onboard {__version__} · run <code>{escape(document['run'])}</code></footer>",
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(f'{title}: {name}')}</title>\n<style>\n{_style()}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _ended_only(document: Document) -> Document:
    """In a run of apply that was broken off, a server that was judged and no more is no further than that."""
    if document["command"] != "apply":
        return document
    judged = (HostStatus.READY, HostStatus.WARNED)
    return {
        **document,
        "hosts": [host | {"status": None} if host["status"] in judged else host for host in document["hosts"]],
    }


def _style() -> str:
    tokens = json.loads(resources.text("styles/tokens.json"))
    schemes = {scheme: " ".join(f"--{name}: {value};" for name, value in tokens[scheme].items()) for scheme in tokens}
    return re.sub("@(light|dark)", lambda match: schemes[match[1]], resources.text("styles/report.css"))


def _numbers(document: Document) -> str:
    statuses = [host["status"] for host in document["hosts"]]
    skipped = statuses.count("skipped")
    well = sum(status in WELL for status in statuses)
    word = _word(document)
    boxes = (
        (well, word, "ok"),
        (len(statuses) - well - skipped, f"not {word}", "bad"),
        (skipped, "skipped", "idle"),
    )
    cards = (
        f'<div class=card><b class="{tone if count else "idle"}">{count:,}</b> {label}</div>'
        for count, label, tone in boxes
    )
    return f'<div class="numbers">{"".join(cards)}</div>'


def _word(document: Document) -> str:
    """What a server is when all is well."""
    return {"apply": "online", "undo": "restored"}.get(document["command"], "ready")


def _failure(document: Document) -> str:
    failure = document["failure"]
    if not failure:
        return ""
    lines = [failure["where"], failure["why"], failure["remedy"]]
    lines += [str(Problem(**problem)) for problem in failure.get("problems", ())]
    rest = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    return f'<div class="card failure"><b class=bad>✕ {escape(failure["what"])}</b>{rest}</div>'


def _facts(document: Document) -> str:
    account = document["account"] or {}
    rows = {
        "Profile": document["profile"],
        "Account": " · ".join(filter(None, (account.get("account"), account.get("region")))),
        "As": account.get("arn", ""),
        "Started": _moment(document["started"]),
        "Ended": _moment(document["finished"]) if document["finished"] else "It was broken off",
        "Activation": _activation(document),
    }
    body = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value)
    return f"<dl class=card>{body}</dl>"


def _activation(document: Document) -> str:
    if not any(change["change"] == "create_activation" for change in document["aws"]):
        return ""
    left = activations_left(document)
    if left:
        return f"Not deleted: {', '.join(left)}. Resume or undo the run, or delete it in the console"
    return "Deleted: nobody can register with it any more"


def _moment(text: str) -> str:
    """ISO 8601 in UTC, for people."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return text


def _causes(document: Document) -> str:
    rows = []
    for cause in document["causes"]:
        hosts = cause["hosts"]
        more = f" and {len(hosts) - NAMED:,} more" if len(hosts) > NAMED else ""
        rows.append(
            (
                f"<td class=keep>{_mark(cause['status'])}</td>",
                f"<td>{_reasons([(cause['summary'], cause['remedy'])])}</td>",
                f"<td class=number>{len(hosts):,}</td>",
                f"<td>{escape(', '.join(hosts[:NAMED]))}{more}</td>",
            )
        )
    return _table("Causes, grouped", ("", "What, and what to do", "Servers", "Which"), rows)


def _servers(document: Document) -> str:
    """What needs a person first."""
    hosts = sorted(document["hosts"], key=lambda host: _ATTENTION.index(host["status"] or "unfinished"))
    word = _word(document)
    columns = ("Server", "Status", "Node", "System", "Why, and what to do")
    well = [_server(host) for host in hosts if host["status"] in WELL]
    rest = [_server(host) for host in hosts if host["status"] not in WELL]
    return _table(f"Not {word}", columns, rest) + _table(word.capitalize(), columns, well)


def _server(host: Mapping[str, Any]) -> Sequence[str]:
    node = f"<code>{escape(host['instance_id'])}</code>" if host["instance_id"] else ""
    return (
        f"<td class=name>{escape(host['name'])}</td>",
        f"<td class=keep>{_mark(host['status'], word=True)}</td>",
        f"<td class=keep>{node}</td>",
        f"<td>{escape(system(host))}</td>",
        f"<td>{_reasons(why(host))}</td>",
    )


def _reasons(reasons: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"<p>{escape(what)}</p>" + (f"<p class=remedy>{escape(remedy)}</p>" if remedy else "")
        for what, remedy in reasons
    )


def _aws(document: Document) -> str:
    rows = [
        (f"<td>{escape(change['summary'])}</td>", f"<td><code>{escape(change['subject'])}</code></td>")
        for change in document["aws"]
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


def _mark(status: str | None, *, word: bool = False) -> str:
    """Glyph, word and colour; the word for the ear alone where the text beside it says as much."""
    glyph, tone = _LOOKS.get(status or "", ("…", "idle"))
    words = (status or "not finished").capitalize()
    text = f"{glyph} {words}" if word else f'<span role=img aria-label="{words}">{glyph}</span>'
    return f"<span class={tone}>{text}</span>"
