"""Stands in for the engine child: reads one order, then tells a fleet's events as fast as the pipe takes them."""

import json
import sys

import fleet


def main() -> None:
    order = json.loads(sys.stdin.readline())
    told = fleet.checked(len(order["profile"]["hosts"]))
    lines = [json.dumps({"id": order["id"], **event.to_json()}) + "\n" for event in told]
    sys.stdout.writelines(lines)
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
