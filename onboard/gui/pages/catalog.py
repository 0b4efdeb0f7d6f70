"""Every page, in the order of the stages. A page's file that is not listed here is refused by a test."""

from onboard.gui.page import Page
from onboard.gui.pages.account import AccountPage
from onboard.gui.pages.activation import ActivationPage
from onboard.gui.pages.checks import ChecksPage
from onboard.gui.pages.finish import FinishPage
from onboard.gui.pages.install import InstallPage
from onboard.gui.pages.network import NetworkPage
from onboard.gui.pages.region import RegionPage
from onboard.gui.pages.review import ReviewPage
from onboard.gui.pages.role import RolePage
from onboard.gui.pages.servers import ServersPage
from onboard.gui.pages.start import StartPage

PAGES: tuple[type[Page], ...] = (
    StartPage,
    AccountPage,
    ServersPage,
    RegionPage,
    RolePage,
    ActivationPage,
    NetworkPage,
    ChecksPage,
    ReviewPage,
    InstallPage,
    FinishPage,
)
