"""A plan as people read it on a terminal."""

from onboard.cli.text import plan_text
from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.words import Text

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


def test_servers_stand_together_whose_changes_have_the_same_template() -> None:
    def roots(count: int) -> Change:
        return Change.of("install_roots", Text("Add {count} of Amazon's roots", count=count), detail={"folder": "/f"})

    def package(kind: str) -> Change:
        return Change.of("install_agent", Text("Install {version}", version="3.3"), detail={"package": kind})

    def tags(role: str) -> Change:
        return Change.of("tag_node", Text("Tag its node: {tags}", tags=role), detail={"tag role": role})

    every = {
        "a": (roots(1), package("deb"), tags("web")),
        "b": (roots(1), package("rpm"), tags("web")),
        "c": (roots(4), package("deb"), tags("web")),
        "d": (roots(1), package("deb"), tags("db")),
    }
    plan = Plan(account="1", region="r", hosts=tuple(HostPlan(host=name, changes=every[name]) for name in every))
    assert plan_text(plan).splitlines()[4:] == [
        "  2 × a, c",
        "    + Add 1–4 of Amazon's roots",
        "    + Install 3.3",
        "    + Tag its node: web",
        "  1 × b",
        "    + Add 1 of Amazon's roots",
        "    + Install 3.3",
        "    + Tag its node: web",
        "  1 × d",
        "    + Add 1 of Amazon's roots",
        "    + Install 3.3",
        "    + Tag its node: db",
    ]
