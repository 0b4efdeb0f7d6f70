"""Every change that is made on a Linux server, in the order of making. A step's file that is not listed is refused.

Packages start the service themselves: so the configuration comes first, and the service is stopped to register.
"""

from onboard.steps.base import Step
from onboard.steps.configure_agent import ConfigureAgent
from onboard.steps.configure_proxy import ConfigureProxy
from onboard.steps.install_agent import InstallAgent
from onboard.steps.install_roots import InstallRoots
from onboard.steps.place_nonce import PlaceNonce
from onboard.steps.register_agent import RegisterAgent
from onboard.steps.start_agent import StartAgent

_SETTINGS: tuple[Step, ...] = (
    InstallRoots(),
    ConfigureAgent(),
    ConfigureProxy(),
    InstallAgent(),
    RegisterAgent(),
)
_CHANGES: tuple[Step, ...] = (*_SETTINGS, StartAgent(earlier=_SETTINGS))

STEPS: tuple[Step, ...] = (*_CHANGES, PlaceNonce(earlier=_CHANGES))
