"""PyInstaller's hook for boto3, which finds by name the modules that complete clients. Its resources are unused."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = [*collect_submodules("boto3.ec2"), *collect_submodules("boto3.s3")]
