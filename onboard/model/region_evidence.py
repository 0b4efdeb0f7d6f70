"""What of a measurement is kept in the profile."""

from onboard.model.profile import MeasuredSection, Profile
from onboard.model.state import State


def with_evidence(profile: Profile, state: State) -> Profile:
    """The profile with the recommendation that `state` holds, and with its Region where none was chosen yet.

    Medians stand in the order of the Regions' names, so that two measurements differ line by line. The profile as it
    is where nothing was recommended.
    """
    ranking = state.ranking
    if ranking is None or ranking.recommended is None:
        return profile
    regions = sorted(state.regions.values(), key=lambda region: region.region)
    evidence = MeasuredSection(
        date=ranking.measured,
        origin=ranking.origin,
        via=ranking.via,
        recommended=ranking.recommended,
        ties=ranking.ties,
        medians={region.region: round(region.median_ms, 1) for region in regions if region.median_ms is not None},
    )
    chosen = {"name": profile.region.name or ranking.recommended, "measured": evidence}
    return profile.model_copy(update={"region": profile.region.model_copy(update=chosen)})
