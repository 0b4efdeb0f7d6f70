"""A plan in a file: what was approved, to be applied later, by the wizard or by `onboard apply --plan`."""

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from onboard.files import read_regular, write_private
from onboard.model.errors import Problem, ProfileError
from onboard.model.plan import Plan, plan_from_json

FORMAT = "onboard-plan-1"
_PLAN = TypeAdapter(Plan)  # knows of each part what it has to be


def save(plan: Plan, path: Path) -> None:
    """Write a plan as JSON, whole or not at all. Raises OnboardError."""
    write_private(path, json.dumps({"format": FORMAT, **asdict(plan)}, indent=1) + "\n")


def load(path: Path) -> Plan:
    """A saved plan. Raises ProfileError when the file holds none."""
    try:
        data = json.loads(read_regular(path).decode())
        if data["format"] != FORMAT:
            raise ValueError(data["format"])
        plan = plan_from_json(data)
        _PLAN.validate_python(asdict(plan))
        return plan
    except OSError as error:
        problem = Problem(str(path), f"the plan cannot be read: {error.strerror}", "Name a file that plan -o wrote")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # ValidationError is a ValueError
        problem = Problem(str(path), "this is not a plan of this version", "Make one with: onboard plan -o FILE")
    raise ProfileError(str(path), (problem,))
