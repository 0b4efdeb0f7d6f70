"""The program's icon in every form that a desktop asks for, drawn from resources/icons/app.svg."""

import os
import struct
from pathlib import Path

from contents import ROOT

DRAWING = ROOT / "resources" / "icons" / "app.svg"
SIZES = (16, 24, 32, 48, 64, 128, 256)
_ICNS = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08"}


def drawn() -> dict[int, bytes]:
    """size in pixels → the icon as PNG."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    app = QGuiApplication.instance() or QGuiApplication([])
    renderer = QSvgRenderer(str(DRAWING))
    images = {}
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")  # type: ignore[call-overload]  # a str it is, whatever the stub says
        images[size] = bytes(content.data())
    del app
    return images


def ico(images: dict[int, bytes]) -> bytes:
    """Windows' form: a folder of PNG files."""
    head, place = struct.pack("<HHH", 0, 1, len(images)), 6 + 16 * len(images)
    entries, content = b"", b""
    for size, png in sorted(images.items()):
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(png), place + len(content))
        content += png
    return head + entries + content


def icns(images: dict[int, bytes]) -> bytes:
    """macOS' form: PNG files under four letters for each size."""
    blocks = b"".join(kind + struct.pack(">I", len(images[size]) + 8) + images[size] for size, kind in _ICNS.items())
    return b"icns" + struct.pack(">I", len(blocks) + 8) + blocks


def write(folder: Path) -> dict[int, bytes]:
    """Write onboard.ico and onboard.icns into `folder`; the icon's PNGs by size."""
    images = drawn()
    (folder / "onboard.ico").write_bytes(ico(images))
    (folder / "onboard.icns").write_bytes(icns(images))
    return images
