"""The agent trusts the roots that AWS's endpoints chain up to.

One of Amazon Root CA 1 and Starfield Services G2 is enough today; Amazon asks for all five in a custom store
(https://www.amazontrust.com/repository/). Starfield Class 2 alone is not enough since August 2024.
"""

from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import operating_system, root_certificates
from onboard.model.changes import ChangeName
from onboard.model.finding import Finding
from onboard.model.profile import Host
from onboard.model.words import Remedy, Text, phrase, sh

NAME = "root_certificates_present"
FIX = ChangeName.INSTALL_ROOTS
_ONE = phrase("{count} of Amazon's five root certificates is not trusted")
_SOME = phrase("{count} of Amazon's five root certificates are not trusted")
_BY_HAND = {  # family → where administrators add certificates (as *.crt on Debian), and what reads them in
    "debian": (
        "/usr/local/share/ca-certificates, as *.crt,",
        (sh("sudo", "apt-get", "install", "--reinstall", "ca-certificates"), sh("sudo", "update-ca-certificates")),
    ),
    "rhel": (
        "/etc/pki/ca-trust/source/anchors",
        (sh("sudo", "yum", "reinstall", "ca-certificates"), sh("sudo", "update-ca-trust", "extract")),
    ),
    "sles": (
        "/etc/pki/trust/anchors",
        (sh("sudo", "zypper", "install", "-f", "ca-certificates-mozilla"), sh("sudo", "update-ca-certificates")),
    ),
}

_ADD = phrase(
    'Let Onboard add them: run.fixes = ["{fix}"]. Or add the PEM files from https://www.amazontrust.com/repository/ to '
    "the system's store"
)
_REINSTALL = phrase(
    'Let Onboard add them: run.fixes = ["{fix}"]. Or put the PEM files into {folder} and reinstall the system\'s '
    "certificates"
)


def judge(facts: Facts, host: Host, context: Context) -> Finding | None:
    found = facts.get(root_certificates.FACT)
    if isinstance(found, Unknown):
        return not_known(NAME, "which root certificates the agent trusts", found)
    missing = [root for root in AMAZON_ROOTS if root not in found.amazon]
    evidence = f"{found.bundle or 'no bundle'}, {found.count} certificates"
    if not missing:
        return passed(NAME, "all five of Amazon's root certificates are trusted", evidence)
    evidence += f"; missing: {', '.join(root.name for root in missing)}"
    remedy = _remedy(facts)
    if not found.bundle and not found.amazon:
        return failed(NAME, "there is no root certificate store", remedy=remedy, evidence=evidence, fix=FIX)
    if all(root in missing for root in AMAZON_ROOTS if root.required):
        return failed(
            NAME,
            "neither Amazon Root CA 1 nor Starfield Services G2 is trusted",
            remedy=remedy,
            evidence=evidence,
            fix=FIX,
        )
    count = len(missing)
    return warned(
        NAME,
        Text(_ONE if count == 1 else _SOME, count=count),
        remedy=remedy,
        evidence=evidence,
        fix=FIX,
    )


def _remedy(facts: Facts) -> str:
    system = facts.get(operating_system.FACT)
    family = "" if isinstance(system, Unknown) else system.family
    if family not in _BY_HAND:
        return Text(_ADD, fix=FIX)
    folder, commands = _BY_HAND[family]
    return Remedy(Text(_REINSTALL, fix=FIX, folder=folder), *commands)


CHECK = Check(
    NAME,
    (root_certificates.FACT, operating_system.FACT),
    judge,
    short=Text("Certificates"),
    why=Text("Without Amazon's root certificates the agent does not trust Systems Manager."),
)
