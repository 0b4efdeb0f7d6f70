"""Lets tests import the modules that build the packaged program."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent / "packaging"))
sys.path.append(str(Path(__file__).parent.parent.parent / "packaging" / "programs"))
