"""Trust policies of service roles: create, judge and extend them to another Region. Sends nothing.

Source: AWS's user guide, "Cross-service confused deputy prevention"; IAM's reference, "JSON policy elements: Condition
operators".
"""

import copy
import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from onboard.aws.identity import Identity
from onboard.model.words import Text

SERVICE = "ssm.amazonaws.com"
_ASSUME = "sts:AssumeRole"


def trust_policy(identity: Identity, *regions: str) -> dict[str, Any]:
    """Let Systems Manager assume the role, only for this account and these Regions (against confused deputies)."""
    arns = [_nodes(identity, region) for region in regions]
    return {"Version": "2012-10-17", "Statement": [_own_statement(identity, arns[0] if len(arns) == 1 else arns)]}


def regions_of(document: Mapping[str, Any], identity: Identity) -> list[str]:
    """The Regions in a trust policy's statement that Onboard wrote; empty if it has no such statement."""
    return next((_regions(one) for one in _many(document.get("Statement", [])) if _is_own(one, identity)), [])


def with_regions(document: Mapping[str, Any], identity: Identity, regions: Iterable[str]) -> dict[str, Any]:
    """The trust policy with these Regions in the statement that Onboard wrote, and everything else unchanged."""
    own = trust_policy(identity, *regions)["Statement"]
    statements = _many(document["Statement"])
    place = next(number for number, one in enumerate(statements) if _is_own(one, identity))
    return {**copy.deepcopy(dict(document)), "Statement": [*statements[:place], *own, *statements[place + 1 :]]}


def sufficient(document: Mapping[str, Any], identity: Identity, region: str) -> dict[str, Any] | None:
    """The trust policy with the smallest addition that lets the role serve `region`; None if it denies that."""
    regions = regions_of(document, identity)
    if regions:
        wider = with_regions(document, identity, [*regions, region])
    else:
        own = trust_policy(identity, region)["Statement"]
        wider = {**document, "Statement": [*_many(document.get("Statement", [])), *own]}
    _, refusals = judge_trust(wider, identity, region)
    return None if refusals else wider


def _nodes(identity: Identity, region: str) -> str:
    """ARN pattern for the account's nodes and everything else of Systems Manager in a Region."""
    return f"arn:{identity.partition}:ssm:{region}:{identity.account}:*"


def _own_statement(identity: Identity, arns: str | list[str]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": _ASSUME,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": identity.account},
            "ArnEquals": {"aws:SourceArn": arns},
        },
    }


def _is_own(statement: Mapping[str, Any], identity: Identity) -> bool:
    """Whether a statement is as Onboard writes it, for any Regions."""
    arns = _arns(statement)
    named = [_nodes(identity, region) for region in _regions(statement)]
    return bool(named) and _many(arns) == named and statement == _own_statement(identity, arns)


def _regions(statement: Mapping[str, Any]) -> list[str]:
    return [parts[3] for arn in _many(_arns(statement)) if len(parts := str(arn).split(":")) > 3]


def _arns(statement: Mapping[str, Any]) -> Any:
    return statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", [])


def judge_trust(document: Mapping[str, Any], identity: Identity, region: str) -> tuple[list[Text], list[Text]]:
    """(doubts, reasons why Systems Manager may not assume the role for this account and Region)."""
    doubts: list[Text] = []
    denials: list[Text] = []
    exclusions: list[Text] = []
    allowed = False
    for statement in _many(document.get("Statement", [])):
        if not _concerns_service(statement):
            continue
        excluded, unclear = _conditions(statement.get("Condition", {}), identity, region)
        if statement.get("Effect") == "Deny":
            if unclear:
                doubts += unclear
            elif not excluded:
                denials.append(Text("its trust policy denies {service}.", service=SERVICE))
        elif excluded:
            exclusions += excluded
        else:
            allowed = True
            doubts += unclear
            if not statement.get("Condition"):
                doubts.append(
                    Text("Systems Manager may assume it for any account; aws:SourceAccount would prevent that.")
                )
    if denials or allowed:
        return doubts, denials
    return doubts, exclusions or [Text("its trust policy does not let {service} assume it.", service=SERVICE)]


def _concerns_service(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = ["*"] if principal == "*" else _many(principal.get("Service", [])) + _many(principal.get("AWS", []))
    actions = _many(statement.get("Action", []))
    assumes = any(fnmatch.fnmatchcase(_ASSUME.lower(), str(action).lower()) for action in actions)
    return assumes and (SERVICE in services or "*" in services)


def _conditions(conditions: Mapping[str, Any], identity: Identity, region: str) -> tuple[list[Text], list[Text]]:
    """(why this account or Region is excluded, conditions that could not be judged)."""
    excluded, unclear = [], []
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            values = [str(value) for value in _many(wanted)]
            listed = ", ".join(values)
            kind = operator.removesuffix("IfExists")
            if key.lower() == "aws:sourceaccount" and kind in ("StringEquals", "StringLike"):
                if not any(fnmatch.fnmatchcase(identity.account, value) for value in values):
                    excluded.append(
                        Text(
                            "its trust policy is for account {accounts}, not {account}.",
                            accounts=listed,
                            account=identity.account,
                        )
                    )
            elif key.lower() == "aws:sourcearn" and kind in ("ArnEquals", "ArnLike", "StringLike", "StringEquals"):
                literal = kind == "StringEquals"
                if not any(_covers(value, identity, region, literal=literal) for value in values):
                    excluded.append(
                        Text(
                            "its trust policy is for {sources}, which excludes Region {region}.",
                            sources=listed,
                            region=region,
                        )
                    )
            else:
                unclear.append(
                    Text(
                        "condition {operator} {key} of its trust policy was not evaluated.", operator=operator, key=key
                    )
                )
    return excluded, unclear


def _covers(pattern: str, identity: Identity, region: str, *, literal: bool) -> bool:
    """Whether an ARN pattern matches nodes of this account and Region, ignoring what follows the account."""
    parts = pattern.split(":", 5)
    if pattern == "*" and not literal:
        return True
    if len(parts) < 6:
        return not literal and fnmatch.fnmatchcase(
            f"arn:{identity.partition}:ssm:{region}:{identity.account}:", pattern
        )
    actual = ("arn", identity.partition, "ssm", region, identity.account)
    return not literal and all(fnmatch.fnmatchcase(a, p) for a, p in zip(actual, parts[:5], strict=True))


def _many(value: Any) -> list[Any]:
    """A value as a list: IAM writes a list of one without brackets."""
    return list(value) if isinstance(value, list | tuple) else [value]
