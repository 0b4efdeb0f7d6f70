"""The JSON Schema of a profile, for editors."""

from typing import Any

from onboard.model.profile import Profile


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the TOML file's content."""
    described = Profile.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **described,
        "title": "Onboard profile",
    }
