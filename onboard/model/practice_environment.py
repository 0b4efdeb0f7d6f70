"""The environment of whatever works on a practice."""

from collections.abc import Mapping


def practice_environment(user: Mapping[str, str], practice: Mapping[str, str]) -> dict[str, str]:
    """The user's variables without any that AWS's libraries look at, and the practice's own.

    A profile, a session token or an endpoint of one service would go before what the practice sets, and bring the
    user's account into a practice, or a practice into that account.
    """
    kept = {name: value for name, value in user.items() if not name.upper().startswith("AWS_")}
    return {**kept, **practice}
