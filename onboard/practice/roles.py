"""Judge a service role as AWS does: whether it exists, who may assume it, and what it allows.

AWS checks existence and trust when an activation is created; conditions and permissions matter only when
an agent uses the role. The roles are stored in moto.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

SERVICE = "ssm.amazonaws.com"


def find_role(account: str, region: str, name: str) -> Any | None:
    """moto's role for a name with or without a path (`service-role/Name`), or None."""
    path, _, bare = name.rpartition("/")
    wanted = f"/{path.strip('/')}/" if path else "/"
    backend = iam_backends[account][get_partition(region)]
    for role in list(backend.roles.values()):
        if role.name == bare and role.path == wanted:
            return role
    return None


def role_arn(account: str, region: str, name: str) -> str:
    """The ARN of a role named as in CreateActivation."""
    return f"arn:{get_partition(region)}:iam::{account}:role/{name.lstrip('/')}"


def trusts_service(role: Any) -> bool:
    """Whether the role's trust policy contains Systems Manager; conditions are ignored."""
    return any(True for _ in _trusting_statements(role))


def may_be_assumed_for(role: Any, account: str, region: str) -> bool:
    """Whether Systems Manager may assume the role on behalf of this account's nodes in this Region."""
    known = {
        "aws:sourceaccount": account,
        "aws:sourcearn": f"arn:{get_partition(region)}:ssm:{region}:{account}:managed-instance/mi-x",
    }
    return any(_conditions_hold(statement.get("Condition", {}), known) for statement in _trusting_statements(role))


def allows(role: Any, action: str) -> bool:
    """Whether the role's attached and inline policies allow `action` on some resource.

    Resources and conditions are ignored: a practice needs to show a missing policy, not to simulate policies.
    """
    attached = list(role.managed_policies.values())
    documents = [version.document for policy in attached for version in policy.versions if version.is_default]
    documents += list(role.policies.values())
    statements = [statement for document in documents for statement in _statements(document)]
    matching = [s for s in statements if any(_like(action, wanted) for wanted in _listed(s.get("Action")))]
    return any(s.get("Effect") == "Allow" for s in matching) and not any(
        s.get("Effect") == "Deny" and not s.get("Condition") for s in matching
    )


def _trusting_statements(role: Any) -> Iterator[dict[str, Any]]:
    for statement in _statements(role.assume_role_policy_document):
        principal = statement.get("Principal", {})
        services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
        actions = _listed(statement.get("Action"))
        if (
            statement.get("Effect") == "Allow"
            and SERVICE in services
            and any(_like("sts:AssumeRole", action) for action in actions)
        ):
            yield statement


def _conditions_hold(conditions: dict[str, Any], known: dict[str, str]) -> bool:
    for operator, keys in conditions.items():
        plain = operator.removesuffix("IfExists")
        if plain not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
            return False
        for key, wanted in keys.items():
            value = known.get(key.lower())
            if value is None:
                return False
            if plain == "StringEquals":
                holds = value in _listed(wanted)
            else:
                holds = any(_like(value, pattern) for pattern in _listed(wanted))
            if not holds:
                return False
    return True


def _statements(document: str | dict[str, Any]) -> list[dict[str, Any]]:
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    return [statements] if isinstance(statements, dict) else list(statements)


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _like(value: str, pattern: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.IGNORECASE) is not None
