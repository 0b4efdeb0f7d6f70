"""The tags that the profile gives a server are put on its node."""

from collections.abc import Iterable

from onboard.aws.changes.base import Entry, Need, NodeChange
from onboard.aws.failures import asking
from onboard.aws.identity import Identity
from onboard.aws.session import Aws
from onboard.model.changes import ChangeName
from onboard.model.events import UndoLine
from onboard.model.plan import Change
from onboard.model.profile import Host, Profile
from onboard.model.words import Text, phrase

STAY = phrase("{server}: the tags of {node} stay, since this run did not register it")


class NodeTags(NodeChange):
    """Put the server's tags on its node. An activation's tags apply only to new nodes; these apply to every node."""

    name = ChangeName.TAG_NODE
    participle = "tagged"
    by_hand = "Tag the node yourself, or remove the server's tags from the profile"

    def needs(self, profile: Profile, identity: Identity) -> tuple[Need, ...]:
        return (Need(("ssm:AddTagsToResource",)),)

    def plan(self, host: Host) -> Change | None:
        if not host.tags:
            return None
        return Change.of(
            self.name,
            Text("Tag its node: {tags}", tags=_words(host)),
            detail={f"tag {key}": value for key, value in sorted(host.tags.items())},
        )

    def make(self, aws: Aws, node: str, host: Host) -> str:
        with asking("ssm:AddTagsToResource"):
            aws.ssm.add_tags_to_resource(
                ResourceType="ManagedInstance",
                ResourceId=node,
                Tags=[{"Key": key, "Value": value} for key, value in host.tags.items()],
            )
        return _words(host)

    def tell(self, entries: Iterable[Entry]) -> tuple[UndoLine, ...]:
        """Tags are deleted with a node that this run registered. On others they stay: the former tags are unknown."""
        tagged: dict[str, str] = {}
        registered = set[str]()
        for entry in entries:
            if entry.change == self.name:
                tagged[entry.host] = entry.data.get("instance_id", "")
            elif entry.change == ChangeName.REGISTER_AGENT and entry.data.get("node"):
                registered.add(entry.host)
        return tuple(
            UndoLine.of(self.name, node, Text(STAY, server=host, node=node), stays=True)
            for host, node in tagged.items()
            if host not in registered
        )


def _words(host: Host) -> str:
    return ", ".join(f"{key} = {value}" for key, value in sorted(host.tags.items()))
