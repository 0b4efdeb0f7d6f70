"""Files are written whole; what is no regular file keeps its place."""

import os
import stat
import threading
from pathlib import Path

import pytest

from onboard.files import write_private
from onboard.model.errors import OnboardError


def test_a_file_is_replaced_and_private(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("before")
    write_private(path, "after\n")
    assert path.read_text() == "after\n"
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["f"]


def test_a_folder_and_a_place_that_is_none_are_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "f"):
        with pytest.raises(OnboardError, match="could not be written"):
            write_private(path, "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="needs links that anyone may make")
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_leads_to_what_was_written(tmp_path: Path, *, is_there: bool) -> None:
    (tmp_path / "folder").mkdir()
    if is_there:
        (tmp_path / "folder" / "f").write_text("before")
    link = tmp_path / "link"
    link.symlink_to("folder/f")
    write_private(link, "after")
    assert link.is_symlink()
    assert (tmp_path / "folder" / "f").read_text() == "after"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes: os.mkfifo")
def test_a_pipe_stays_and_its_reader_gets_the_text(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    write_private(path, "text")
    assert path.is_fifo()
    reader.join(10)
    assert read == ["text"]


def test_a_device_stays(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 3))  # as /dev/null
        device.write_text("")
    except (AttributeError, OSError):
        pytest.skip("needs root, and a folder that takes devices: mknod")
    write_private(device, "text")
    assert device.is_char_device()
