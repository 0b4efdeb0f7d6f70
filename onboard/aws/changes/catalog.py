"""Every change that Onboard makes in AWS besides registering. A test fails if a file here is not listed."""

from dataclasses import replace

from onboard.aws.changes.activations import Activations
from onboard.aws.changes.base import AwsChange, Basis, NodeChange, Planned, RunChange
from onboard.aws.changes.node_tags import NodeTags
from onboard.aws.changes.role import Role

# In the order in which they are planned and made: activations need the role.
RUN_CHANGES: tuple[RunChange, ...] = (Role(), Activations())

NODE_CHANGES: tuple[NodeChange, ...] = (NodeTags(),)

CHANGES: tuple[AwsChange, ...] = (*RUN_CHANGES, *NODE_CHANGES)


def plan_all(basis: Basis) -> tuple[tuple[RunChange, Planned], ...]:
    """What a run would do in AWS. Only reads. Raises AwsError, OnboardError."""
    found = []
    for change in RUN_CHANGES:
        planned = change.plan(basis)
        basis = replace(basis, role=planned.role or basis.role)
        found.append((change, planned))
    return tuple(found)
