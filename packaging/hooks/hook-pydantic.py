"""PyInstaller's hook for pydantic, whose compiled half imports parts by name. Its former version 1 is not used here."""

from PyInstaller.utils.hooks import collect_submodules


def _is_used(module: str) -> bool:
    return not module.startswith(("pydantic.v1", "pydantic.mypy"))


hiddenimports = collect_submodules("pydantic", filter=_is_used)
