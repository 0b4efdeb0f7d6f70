"""Whether a run may change a node in AWS, that is, deregister it or tag it.

The node id that a server prints or keeps in a file is a claim, because its root can name any node. The decision uses
what the server cannot write: the activation that AWS says the node was registered with, and the activations that the
journal says Onboard made to register this server. An activation is deleted when its run ends; its nodes keep its id.
"""

from onboard.aws.instances import Node
from onboard.engine.journal import Journal
from onboard.model.words import Text


def objection(journal: Journal, run: str, host: str, node: Node) -> str:
    """Why `run` may not change this node on behalf of the server `host`; "" if it may.

    Runs with the same profile count as one, because a later run continues a registration that an earlier one began.
    """
    if node.activation_id not in journal.activations_for(run, host):
        return Text(
            "AWS does not say that {node} was registered with an activation made for this server",
            node=node.instance_id,
        )
    claimants = journal.claimants(run, node.instance_id)
    others = sorted(set(claimants) - {host})
    is_its_own = claimants.get(host, False) and not any(claimants[other] for other in others)
    if others and not is_its_own:
        return Text("{node} is also claimed by {others}", node=node.instance_id, others=", ".join(others))
    return ""
