"""Every page by its stage. A page's module is imported when the page is first made, so the window opens sooner."""

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
    """Return the class of a stage's page."""
    found: type[Page] = resolve_name(f"{__package__}.{PAGES[stage]}")
    return found
