"""PyInstaller's hook for this part of Qt."""

import qt

hiddenimports, binaries = qt.part(__file__)
