"""What the wizard knows about the nearest Region, without a display."""

from dataclasses import replace
from math import inf

from onboard.model import events
from onboard.model.profile import Host, MeasuredSection, Profile, Protocol, RegionSection
from onboard.model.state import State, fold
from onboard.model.status import HostStatus
from onboard.wizard import regions
from onboard.wizard.regions import Nearness
from onboard.wizard.stages import BY_NAME, Mark
from onboard.wizard.text import Said, said
from onboard.wizard.time_words import moment
from onboard.wizard.view import View

MEDIANS = {"eu-central-1": 4.0, "eu-west-1": 17.0, "us-west-2": 150.0}
EVIDENCE = MeasuredSection(
    date="2026-11-24T13:02:00+00:00", origin="this computer", recommended="eu-central-1", medians=MEDIANS
)


def view(chosen: str | None, measured: MeasuredSection | None = EVIDENCE, **more: object) -> View:
    return View(draft=Profile(region=RegionSection(name=chosen, measured=measured), **more))


def measured(*, recommended: str | None = "eu-central-1") -> State:
    told: list[events.Event] = [
        events.Region(
            region=region,
            long_name=region,
            origin="this computer",
            median_ms=median,
            spread_ms=1.0,
            low_ms=median,
            high_ms=median,
            samples=10,
            lost=0,
        )
        for region, median in MEDIANS.items()
    ]
    ranked = events.RegionsRanked(
        origin="this computer",
        via="direct",
        measured="2026-11-25T08:00:00+00:00",
        order=tuple(MEDIANS),
        recommended=recommended,
        ties=(),
        why=(),
    )
    return fold([*told, ranked, events.RunFinished(run="", hosts={})])


def test_a_far_region_deserves_a_look_and_a_near_one_does_not() -> None:
    judge = BY_NAME["region"].judge
    words = judge(view("us-west-2")).words
    assert isinstance(words, Said)
    assert words.text.format(**dict(words.fields)) == "eu-central-1 is 146 ms nearer than us-west-2"
    assert judge(view("us-west-2")).mark is Mark.ATTENTION
    assert regions.farther(view("eu-west-1")) is None
    assert judge(view("eu-west-1")).mark is Mark.DONE
    assert judge(view("eu-central-1")).words == said("Measured {when}", when=moment(EVIDENCE.date))
    assert judge(view("eu-central-1", None)).words == ""


def test_a_tie_is_not_far_and_a_silent_region_is() -> None:
    tie = EVIDENCE.model_copy(update={"ties": ("us-west-2",)})
    assert regions.farther(view("us-west-2", tie)) is None
    assert regions.farther(view("ap-east-1")) == inf
    assert BY_NAME["region"].judge(view("ap-east-1")).words == said("{region} did not answer", region="ap-east-1")


def test_this_sessions_measurement_goes_before_the_profiles() -> None:
    old = view("us-west-2", EVIDENCE.model_copy(update={"recommended": "us-west-2"}))
    assert regions.known(old).recommended == "us-west-2"  # type: ignore[union-attr]
    assert regions.known(replace(old, states={"regions": measured()})).recommended == "eu-central-1"  # type: ignore[union-attr]
    nothing = replace(old, states={"regions": measured(recommended=None)})
    assert regions.known(nothing).recommended == "us-west-2"  # type: ignore[union-attr]


def test_choosing_keeps_the_evidence_even_against_the_choice() -> None:
    chosen = regions.with_region(replace(view(None, None), states={"regions": measured()}), "us-west-2")
    assert chosen.region.name == "us-west-2"
    assert chosen.region.measured is not None
    assert chosen.region.measured.recommended == "eu-central-1"
    assert chosen.region.measured.medians == MEDIANS


def test_a_measurement_goes_on_from_its_order_to_its_end() -> None:
    assert not regions.is_measuring(View())
    assert regions.is_measuring(View(states={"regions": State()}))
    assert not regions.is_measuring(View(states={"regions": measured()}))
    died = fold([events.RunFailed(kind="error", what="The engine ended by itself")])
    assert not regions.is_measuring(View(states={"regions": died}))


def test_regions_of_the_partition_are_offered() -> None:
    assert len(regions.places_offered(View())) == 34
    assert {place.region for place in regions.places_offered(view("cn-north-1"))} == {"cn-north-1", "cn-northwest-1"}
    account = events.AccountIdentified(account="1", arn="arn:x", partition="aws-us-gov", region="us-gov-west-1")
    gov = View(states={"account": fold([account])})
    assert {place.partition for place in regions.places_offered(gov)} == {"aws-us-gov"}


def test_servers_that_measured_measure_again() -> None:
    hosts = (Host(name="a"), Host(name="b"))
    started = events.RunStarted(run="r", command="regions", profile="", hosts=("b", "gone"), started="now")
    assert regions.measured_from(View(draft=Profile(hosts=hosts), states={"regions": fold([started])})) == ("b",)
    kept = view("eu-west-1", EVIDENCE.model_copy(update={"origin": "a, gone"}), hosts=hosts)
    assert regions.measured_from(kept) == ("a",)
    assert regions.measured_from(view("eu-west-1", hosts=hosts)) == ()


def test_servers_of_different_kinds_are_proposed() -> None:
    hosts = (
        Host(name="a", tags={"site": "fra"}),
        Host(name="b", tags={"site": "fra"}),
        Host(name="c", tags={"site": "muc"}),
        Host(name="d"),
        Host(name="e", tags={"site": "ber"}),
    )
    assert regions.one_of_each_kind(hosts, 3) == ("a", "c", "d")
    assert regions.one_of_each_kind((), 3) == ()


def test_only_servers_that_can_measure_are_asked() -> None:
    hosts = (Host(name="ssh"), Host(name="new"), Host(name="windows", protocol=Protocol.WINRM))
    key = events.HostKeySeen(host="new", key_type="ssh-ed25519", fingerprint="SHA256:x", trust="new")
    trust = fold([key, events.HostFinished(host="new", status=HostStatus.UNTRUSTED)])
    able = regions.able_to_measure(View(draft=Profile(hosts=hosts), states={"trust": trust}))
    assert [host.name for host in able] == ["ssh"]


def test_nearness_is_coarse() -> None:
    assert [regions.nearness_of(ms) for ms in (0.2, 29.9, 30, 149, 150)] == [
        Nearness.NEAR,
        Nearness.NEAR,
        Nearness.MIDDLE,
        Nearness.MIDDLE,
        Nearness.FAR,
    ]


def test_every_region_has_a_short_name() -> None:
    assert regions.short_name("eu-central-1") == "Frankfurt"
    assert regions.short_name("eu-moon-1") == "eu-moon-1"
