"""PyInstaller's hook for moto, which finds its services by name: those that practice uses, with what they read."""

from pathlib import Path

from contents import MOTO_FOUNDATIONS, practice_services
from PyInstaller.utils.hooks import collect_data_files, collect_submodules, get_package_paths

UNREAD = "**/optimized_amis/*"  # of ECS, which become parameters of the cloud once somebody asks for them

_used = practice_services()
hiddenimports = ["moto.backends"]
for _service in sorted(_used):
    hiddenimports += collect_submodules(f"moto.{_service}")
_parts = {path.parent.name for path in Path(get_package_paths("moto")[1]).glob("*/__init__.py")}
datas = []
for _part in sorted(_parts & (_used | MOTO_FOUNDATIONS)):
    datas += collect_data_files(f"moto.{_part}", excludes=[UNREAD])
excludedimports = [f"moto.{name}" for name in sorted(_parts - _used - MOTO_FOUNDATIONS)]
