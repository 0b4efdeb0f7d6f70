"""Both packaged programs: which of them this is, its name says."""

import sys
from pathlib import Path

from surroundings import settle

settle()

if Path(sys.argv[0]).stem == "onboard-gui":
    from onboard.gui.app import run
else:
    from onboard.__main__ import run

run()
