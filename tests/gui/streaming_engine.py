"""A substitute for the engine child: sends the events of a fleet as fast as the pipe takes them."""

import json
import sys

import fleet

from onboard.model import events
from onboard.model.event_json import in_parts

TOLD = {"check": fleet.checked, "apply": fleet.applied}


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        tell = TOLD.get(order["do"])
        told = tell(len(order["profile"]["hosts"])) if tell else [events.RunFinished(run="", hosts={})]
        parts = (part.to_json() for event in told for part in in_parts(event))
        sys.stdout.writelines(json.dumps({"id": order.get("id"), **part}) + "\n" for part in parts)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
