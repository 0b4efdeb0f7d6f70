"""What the scripts of steps say of the variables that they take."""

from fnmatch import fnmatch

from onboard.resources import text


def declared(name: str) -> set[str]:
    """Of NAME.ACTION, by the second line of its script: `# variables: …`; `undo_KEY` may come besides.

    A name with an asterisk stands for several.
    """
    line = text(f"scripts/posix/steps/{name}.sh").splitlines()[1]
    assert line.startswith("# variables: "), f"{name}.sh does not say in its second line which variables it takes"
    return set(line.removeprefix("# variables: ").split()) - {"none"}


def is_declared(variable: str, names: set[str]) -> bool:
    return any(fnmatch(variable, name) for name in names)
