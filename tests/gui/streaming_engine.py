"""Stands in for the engine child: tells a fleet's events as fast as the pipe takes them."""

import json
import sys

import fleet

from onboard.model import events

TOLD = {"check": fleet.checked, "apply": fleet.applied}


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        tell = TOLD.get(order["do"])
        told = tell(len(order["profile"]["hosts"])) if tell else [events.RunFinished(run="", hosts={})]
        sys.stdout.writelines(json.dumps({"id": order.get("id"), **event.to_json()}) + "\n" for event in told)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
