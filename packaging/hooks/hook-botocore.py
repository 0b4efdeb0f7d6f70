"""PyInstaller's hook for botocore: of its descriptions of 400 services, the newest of those used here."""

from pathlib import Path

from contents import aws_services
from PyInstaller.utils.hooks import get_package_paths

COMMON = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")

hiddenimports = ["html.parser"]
_data = Path(get_package_paths("botocore")[1]) / "data"
datas = [(str(_data / name), "botocore/data") for name in COMMON]
for _service in sorted(aws_services()):
    _newest = max(path for path in (_data / _service).iterdir() if path.is_dir())
    datas += [
        (str(path), f"botocore/data/{_service}/{_newest.name}")
        for path in _newest.iterdir()
        if not path.name.startswith("examples-")
    ]
