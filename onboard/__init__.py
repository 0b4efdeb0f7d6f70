"""Onboard takes on-premises servers into AWS Systems Manager as managed nodes."""

__version__ = "0.1.0"
