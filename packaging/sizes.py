"""What takes the room in the packaged program."""

from collections import Counter
from pathlib import Path

NAMED = 10


def parts(folder: Path) -> Counter[str]:
    """part → bytes. A part is a folder or file of the program's inside, or a library of PySide6."""
    found: Counter[str] = Counter()
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            found[_part(file.relative_to(folder))] += file.stat().st_size
    return found


def _part(file: Path) -> str:
    inside = file.parts[1:] if file.parts[0] == "_internal" else file.parts
    if inside[0] == "PySide6" and "Qt" in inside and inside[-2:-1] == ("lib",):
        return f"{inside[0]}: {'ICU' if 'icu' in inside[-1] else inside[-1].partition('.')[0]}"
    if inside[0] == "PySide6":
        return f"PySide6: {'plugins' if 'plugins' in inside else inside[1].partition('.')[0]}"
    return inside[0]


def total(folder: Path) -> int:
    """Bytes of all files."""
    return sum(parts(folder).values())


def table(folder: Path) -> str:
    """The largest parts and the whole, for people."""
    found = parts(folder)
    lines = [f"{size / 1e6:8.1f} MB  {part}" for part, size in found.most_common(NAMED)]
    rest = sum(found.values()) - sum(size for _, size in found.most_common(NAMED))
    return "\n".join([*lines, f"{rest / 1e6:8.1f} MB  the rest", f"{sum(found.values()) / 1e6:8.1f} MB  together"])
