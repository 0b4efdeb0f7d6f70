"""The steps' fixtures."""

from lab import lab, systemd_lab

__all__ = ["lab", "systemd_lab"]
