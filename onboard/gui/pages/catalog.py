"""Every page by its stage. Its file is read when the page is first made: the window does not wait for all of them."""

from collections.abc import Mapping
from pkgutil import resolve_name

from onboard.gui.page import Page

PAGES: Mapping[str, str] = {
    "start": "start:StartPage",
    "account": "account:AccountPage",
    "servers": "servers:ServersPage",
    "region": "region:RegionPage",
    "role": "role:RolePage",
    "activation": "activation:ActivationPage",
    "network": "network:NetworkPage",
    "checks": "checks:ChecksPage",
    "review": "review:ReviewPage",
    "install": "install:InstallPage",
    "finish": "finish:FinishPage",
}


def page_class(stage: str) -> type[Page]:
    """The class of a stage's page."""
    found: type[Page] = resolve_name(f"{__package__}.{PAGES[stage]}")
    return found
