"""The outline of a plan groups servers whose changes read the same."""

from onboard.model.plan import Change, HostPlan, Plan
from onboard.model.state import State
from onboard.model.words import Text
from onboard.wizard.plan_outline import matching, outline_of


def upgrade(old: str) -> Change:
    return Change(name="install_agent", summary="Upgrade", detail={"version": "3.3"}, before={"version": old})


PLAN = Plan(
    account="1",
    region="r",
    hosts=tuple(
        HostPlan(host=name, changes=(upgrade(old),)) for name, old in (("a", "3.1"), ("b", "3.2"), ("c", "3.2"))
    ),
)


def test_servers_that_have_something_else_now_stand_apart() -> None:
    assert [group.names for group in outline_of(PLAN, State()).groups] == [("b", "c"), ("a",)]


def test_what_stands_there_now_is_searched_too() -> None:
    assert [group.names for group in matching(outline_of(PLAN, State()), "3.1").groups] == [("a",)]


def test_a_value_of_the_sentence_alone_parts_no_servers() -> None:
    every = {
        name: Change.of("install_roots", Text("Add {count} roots", count=count), detail={"folder": "/f"})
        for name, count in (("a", 1), ("b", 5), ("c", 3))
    }
    plan = Plan(account="1", region="r", hosts=tuple(HostPlan(host=name, changes=(every[name],)) for name in every))
    (group,) = outline_of(plan, State()).groups
    assert group.names == ("a", "b", "c")
    assert [change.summary for change in group.changes] == ["Add 1–5 roots"]
    assert matching(outline_of(plan, State()), "roots").groups == (group,)
