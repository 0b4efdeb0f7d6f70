"""A plan as people read it on a terminal."""

from onboard.cli.text import plan_text
from onboard.model.plan import Change, HostPlan, Plan

NONCE = Change(name="place_nonce", summary="Place a nonce", detail={"folder": "/var/lib/onboard"})


def proxy(old: str) -> Change:
    return Change(
        name="configure_proxy",
        summary="Let the agent use the proxy http://new:1",
        detail={"file": "/f", "https_proxy": "http://new:1"},
        before={"https_proxy": old},
    )


def test_what_exists_is_shown_with_what_it_becomes_and_servers_stand_together_that_read_alike() -> None:
    policy = Change(
        name="attach_core_policy", summary="Attach it", detail={"policy": '{\n  "b": 2\n}'}, before={"policy": "{}\n"}
    )
    hosts = tuple(
        HostPlan(host=name, changes=(proxy(old), NONCE))
        for name, old in (("a", "http://old:1"), ("b", "http://old:1"), ("c", "http://older:1\x1b[2J"))
    )
    plan = Plan(account="1", region="r", aws=(policy,), hosts=hosts)
    assert plan_text(plan).splitlines() == [
        "Plan for account 1, Region r",
        "AWS:",
        "  + Attach it",
        '      policy: {} → { "b": 2 }',
        "Servers:",
        "  2 × a, b",
        "    + Let the agent use the proxy http://new:1",
        "        https_proxy: http://old:1 → http://new:1",
        "    + Place a nonce",
        "  1 × c",
        "    + Let the agent use the proxy http://new:1",
        "        https_proxy: http://older:1�[2J → http://new:1",
        "    + Place a nonce",
    ]
