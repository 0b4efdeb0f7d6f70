"""The agent trusts the roots that AWS's endpoints chain up to.

One of Amazon Root CA 1 and Starfield Services G2 is enough today; Amazon asks for all five in a custom store
(https://www.amazontrust.com/repository/). Starfield Class 2 alone is not enough since August 2024.
"""

from onboard.checks.base import Check, Context, failed, not_known, passed, warned
from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import operating_system, root_certificates
from onboard.model.finding import Finding
from onboard.model.profile import Host

NAME = "root_certificates_present"
FIX = "install_roots"


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
        return failed(NAME, "there is no store of root certificates", remedy=remedy, evidence=evidence, fix=FIX)
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
        f"{count} of Amazon's five root certificates {'is' if count == 1 else 'are'} not trusted",
        remedy=remedy,
        evidence=evidence,
        fix=FIX,
    )


def _remedy(facts: Facts) -> str:
    system = facts.get(operating_system.FACT)
    family = "" if isinstance(system, Unknown) else system.family
    by_hand = {
        "debian": "sudo apt-get install --reinstall ca-certificates; or put the PEM files as *.crt into "
        "/usr/local/share/ca-certificates and run: sudo update-ca-certificates",
        "rhel": "sudo yum reinstall ca-certificates; or put the PEM files into /etc/pki/ca-trust/source/anchors and "
        "run: sudo update-ca-trust extract",
        "sles": "sudo zypper install -f ca-certificates-mozilla; or put the PEM files into /etc/pki/trust/anchors and "
        "run: sudo update-ca-certificates",
    }.get(family, "add the PEM files of https://www.amazontrust.com/repository/ to the system's store")
    return f'Let Onboard add them: run.fixes = ["{FIX}"]. Or by hand: {by_hand}'


CHECK = Check(NAME, (root_certificates.FACT, operating_system.FACT), judge)
