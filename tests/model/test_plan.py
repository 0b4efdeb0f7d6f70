"""A plan covers another when the other would do nothing that it does not contain."""

import json
from dataclasses import asdict, replace

from onboard.model.place import Place
from onboard.model.plan import Change, HostPlan, Plan, groups_of, plan_from_json
from onboard.model.words import Phrasing, Text, phrasings_of

INSTALL = Change(name="install_agent", summary="Install 3.3", detail={"version": "3.3", "sha256": "ab"})
START = Change(name="start_agent", summary="Start the agent")
ACTIVATION = Change(name="create_activation", summary="for 3", detail={"role": "R"}, at_most=3)
PLAN = Plan(account="1", region="eu-west-1", aws=(ACTIVATION,), hosts=(HostPlan(host="a", changes=(INSTALL, START)),))


def test_a_plan_covers_itself_and_what_is_less() -> None:
    assert PLAN.exceeds(PLAN) == ()
    less = replace(PLAN, aws=(replace(ACTIVATION, at_most=2, summary="for 2"),), hosts=(HostPlan(host="a"),))
    assert less.exceeds(PLAN) == ()


def test_each_thing_that_is_more_is_named() -> None:
    assert replace(PLAN, aws=(replace(ACTIVATION, at_most=4),)).exceeds(PLAN) == ("AWS: for 3",)
    other = replace(INSTALL, detail={"version": "3.3", "sha256": "cd"})
    assert replace(PLAN, hosts=(HostPlan(host="a", changes=(other,)),)).exceeds(PLAN) == ("a: Install 3.3",)
    assert replace(PLAN, hosts=(HostPlan(host="b", changes=(START,)),)).exceeds(PLAN) == ("b: Start the agent",)


def test_what_a_later_version_adds_to_change_less_is_covered() -> None:
    was = Change(name="configure_agent", summary="Set", detail={"file": "f", "Ssm.Endpoint": '"u"'})
    now = replace(was, detail={**was.detail, "Profile.ShareCreds": "false"})
    assert was.covers(now)
    assert not now.covers(was), "what was approved is done"
    assert not was.covers(replace(now, detail={**was.detail, "Profile.ShareCreds": "true"}))


def test_to_ask_a_server_is_part_of_every_apply() -> None:
    """A plan that was approved when a proof still stood for later runs lacks the servers that had one."""
    ask = Change(name="place_nonce", summary="Place a nonce", detail={"folder": "/var/lib/onboard"})
    confirm = Change(name="confirm", summary="Ask 2 servers", at_most=2)
    asked = replace(PLAN, aws=(confirm,), hosts=(HostPlan(host="b", changes=(ask,)),))
    assert asked.exceeds(PLAN) == ()
    more = replace(asked, hosts=(HostPlan(host="b", changes=(START, ask)),))
    assert more.exceeds(PLAN) == ("b: Start the agent",)


def test_a_name_that_has_become_another_machine_is_not_covered() -> None:
    approved = replace(PLAN, hosts=(HostPlan(host="a", address="10.0.0.1", port=22, changes=(START,)),))
    moved = replace(PLAN, hosts=(HostPlan(host="a", address="10.0.0.2", port=22, changes=(START,)),))
    assert moved.exceeds(approved) == ("a: it is at 10.0.0.2 port 22, approved at 10.0.0.1 port 22",)
    assert approved.exceeds(approved) == ()
    saved_earlier = replace(PLAN, hosts=(HostPlan(host="a", changes=(START,)),))
    assert moved.exceeds(saved_earlier) == ()


def test_the_same_address_behind_another_jump_host_is_not_covered() -> None:
    approved = replace(PLAN, hosts=(HostPlan.at(Place("10.0.0.1", 22, ("x",)), "a", (START,)),))
    again = plan_from_json(json.loads(json.dumps(asdict(approved))))
    assert again == approved
    assert again.exceeds(approved) == ()
    other = replace(PLAN, hosts=(HostPlan.at(Place("10.0.0.1", 22, ("y",)), "a", (START,)),))
    assert other.exceeds(approved) == (
        "a: it is at 10.0.0.1 port 22 through y, approved at 10.0.0.1 port 22 through x",
    )


def test_a_plan_of_an_earlier_version_is_read() -> None:
    saved = {"host": "a", "address": "10.0.0.1", "port": 22, "changes": []}
    data = {**asdict(PLAN), "hosts": [saved, {"host": "b", "changes": []}]}
    places = [host.place for host in plan_from_json(json.loads(json.dumps(data))).hosts]
    assert places == [Place("10.0.0.1", 22), None]


def test_another_account_or_region_is_never_covered() -> None:
    assert len(replace(PLAN, region="eu-west-2").exceeds(PLAN)) == 1
    assert len(replace(PLAN, account="2").exceeds(PLAN)) == 1


def test_what_stands_there_now_is_for_people_and_decides_nothing() -> None:
    upgrade = replace(INSTALL, before={"version": "3.2", "gone": "x"})
    assert upgrade.altered == (("version", "3.2", "3.3"),)
    assert INSTALL.altered == ()
    for one, other in ((upgrade, INSTALL), (INSTALL, upgrade)):
        assert replace(PLAN, aws=(one,)).exceeds(replace(PLAN, aws=(other,))) == ()


def test_a_saved_plan_reads_back_equal() -> None:
    plan = replace(PLAN, aws=(ACTIVATION, replace(INSTALL, before={"version": "3.2"})))
    assert plan_from_json(json.loads(json.dumps(asdict(plan)))) == plan


def test_a_plan_from_before_there_was_before_reads_back_equal() -> None:
    data = json.loads(json.dumps(asdict(PLAN)))
    for change in (*data["aws"], *data["hosts"][0]["changes"]):
        del change["before"]
    assert plan_from_json(data) == PLAN


def upgrade(old: str) -> Change:
    summary = Text("Upgrade the agent from {installed} to {version}", installed=old, version="3.3")
    return Change.of("install_agent", summary, detail={"version": "3.3"})


def test_a_saved_plan_keeps_what_its_sentences_are_made_of() -> None:
    warnings = (Text("Role {role} lacks a policy", role="R {x}"), Text("Braces {stay}"))
    plan = replace(
        PLAN,
        hosts=(HostPlan(host="a", changes=(upgrade("3.1"), START)),),
        warnings=tuple(map(str, warnings)),
        phrasings=phrasings_of(warnings),
    )
    saved = json.loads(json.dumps(asdict(plan)))
    first, second = saved["hosts"][0]["changes"]
    assert first["summary"] == "Upgrade the agent from 3.1 to 3.3"
    assert first["wording"] == {
        "template": "Upgrade the agent from {installed} to {version}",
        "values": {"installed": "3.1", "version": "3.3"},
    }
    assert second["wording"] is None
    assert saved["warnings"] == ["Role R {x} lacks a policy", "Braces {stay}"]
    read = plan_from_json(saved)
    assert read == plan
    told = [(text, text.template, text.values) for text in (read.hosts[0].changes[0].sentence, *read.warning_texts)]
    assert told == [
        ("Upgrade the agent from 3.1 to 3.3", first["wording"]["template"], first["wording"]["values"]),
        ("Role R {x} lacks a policy", "Role {role} lacks a policy", {"role": "R {x}"}),
        ("Braces {stay}", "Braces {stay}", {}),
    ]


def test_in_a_plan_of_the_version_before_each_sentence_is_its_own_template() -> None:
    data = json.loads(json.dumps(asdict(replace(PLAN, warnings=("{braces} stay",)))))
    del data["phrasings"]
    for change in (*data["aws"], *data["hosts"][0]["changes"]):
        del change["wording"]
    read = plan_from_json(data)
    told = [*(change.sentence for change in read.hosts[0].changes), *read.warning_texts]
    assert [(text, text.template, text.values) for text in told] == [
        (text, text, {}) for text in ("Install 3.3", "Start the agent", "{braces} stay")
    ]


def test_servers_are_grouped_by_templates_and_what_an_approval_covers() -> None:
    other = replace(upgrade("3.0"), detail={"version": "3.3", "sha256": "ab"})
    every = {"a": (upgrade("3.1"), START), "b": (other, START), "c": (upgrade("3.2"), START), "d": ()}
    groups = groups_of(HostPlan(host=host, changes=changes) for host, changes in every.items())
    assert [(group.names, [change.summary for change in group.changes]) for group in groups] == [
        (("a", "c"), ["Upgrade the agent from 3.1, 3.2 to 3.3", "Start the agent"]),
        (("b",), ["Upgrade the agent from 3.0 to 3.3", "Start the agent"]),
        (("d",), []),
    ]
    values = {"installed": "3.1, 3.2", "version": "3.3"}
    assert groups[0].changes[0].wording == Phrasing("Upgrade the agent from {installed} to {version}", values)
