"""The dialect of each family of servers."""

from collections.abc import Mapping

from onboard.model.family import Family
from onboard.scripts.dialect import Dialect
from onboard.scripts.posix import POSIX

DIALECTS: Mapping[Family, Dialect] = {Family.POSIX: POSIX}
