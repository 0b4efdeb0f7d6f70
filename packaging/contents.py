"""What goes into the packaged program beyond what its imports lead to, asked of the project itself.

Each answer comes from the place that the project already keeps it in, so that nothing has to be listed twice.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What botocore itself asks, when the user's profile logs in by SSO, by a role or with a web identity.
SERVICES_OF_LOGGING_IN = frozenset({"signin", "sso", "sso-oidc", "sts"})

# What every desktop has, and has to have in one version alone: its C and C++ libraries, and what draws and finds fonts
# with it (drivers are loaded into this process, and bring their own expectations). A .deb depends on their packages.
LIBRARIES_OF_THE_SYSTEM = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libc.so.6": "libc6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libexpat.so.1": "libexpat1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgcc_s.so.1": "libgcc-s1",
    "libglib-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "libgthread-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "libstdc++.so.6": "libstdc++6",
    "libxcb.so.1": "libxcb1",
    "libz.so.1": "zlib1g",
}

# Qt's plugins that the window uses. Wayland sessions show it through XWayland, which all of them have.
QT_PLUGINS = frozenset(
    {
        "iconengines/qsvgicon",
        "platforminputcontexts/composeplatforminputcontextplugin",
        "platforminputcontexts/ibusplatforminputcontextplugin",
        "platforms/qcocoa",
        "platforms/qoffscreen",
        "platforms/qwindows",
        "platforms/qxcb",
        "platformthemes/qxdgdesktopportal",
        "styles/qmacstyle",
        "styles/qmodernwindowsstyle",
    }
)

# Where a licence lets whoever has the program replace a library, its modules lie as files, not in an archive.
REPLACEABLE = ("PySide6", "asyncssh", "certifi", "paramiko", "shiboken6")

# Parts of dependencies that nothing here runs: tools for developers, what shows source code in colour, documentation.
UNUSED = (
    "IPython",
    "PySide6.QtDBus",
    "PySide6.QtNetwork",
    "_pytest",
    "babel",
    "boto3.dynamodb",
    "distutils",
    "docutils",
    "doctest",
    "ensurepip",
    "hypothesis",
    "idlelib",
    "invoke",
    "lib2to3",
    "markdown_it",
    "mypy",
    "numpy",
    "pip",
    "pkg_resources",
    "pydantic.mypy",
    "pydantic.v1",
    "pydoc",
    "pydoc_data",
    "pygments",
    "pytest",
    "readline",
    "setuptools",
    "tkinter",
    "turtle",
    "turtledemo",
)


# What of moto its services stand on.
MOTO_FOUNDATIONS = frozenset(
    {"cloudwatch", "core", "ec2", "events", "moto_api", "moto_server", "packages", "secretsmanager", "utilities"}
)


def version() -> str:
    """The program's version, from the one place where it stands."""
    found = re.search(r'^__version__ = "([^"]+)"$', (ROOT / "onboard" / "__init__.py").read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError("onboard/__init__.py has no __version__")
    return found[1]


def modules() -> list[str]:
    """The project's own modules."""
    names = []
    for path in sorted((ROOT / "onboard").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def read_by_file() -> list[tuple[str, str]]:
    """(file, folder inside the program) of what is read as a file: resources, and the practice agent's source."""
    agent = ROOT / "onboard" / "practice" / "agent.py"  # practice builds packages from it
    return [(str(ROOT / "resources"), "onboard/resources"), (str(agent), "onboard/practice")]


def aws_services() -> frozenset[str]:
    """The services whose descriptions botocore has to have: every client that is made anywhere, and the practice's."""
    used = {name for path in (ROOT / "onboard").rglob("*.py") for name in _clients(ast.parse(path.read_text("utf-8")))}
    return frozenset(used) | SERVICES_OF_LOGGING_IN | practice_services() | {"ec2"}  # practice lists Regions by it


def _clients(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            if node.func.attr in ("client", "_client") and isinstance(first, ast.Constant):
                yield str(first.value)


def practice_services() -> frozenset[str]:
    """The services that the practice cloud has moto for: what the extra of that name asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in project["optional-dependencies"]["practice"]:
        found = re.match(r"moto\[([^\]]+)\]", requirement)
        if found:
            return frozenset(name.strip() for name in found[1].split(","))
    raise ValueError("pyproject.toml does not say which of moto's services practice uses")
