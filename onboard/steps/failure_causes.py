"""Why installing or registering an agent failed on a POSIX server: what its programs said → cause and remedy.

One row for each cause, what is more particular first. A pattern is matched against everything that the step's script,
dpkg or rpm, or the agent printed: AWS's error codes, and Go's errors of net, os/exec and crypto/x509.
"""

import re
from collections.abc import Sequence

from onboard.checks.not_registered_elsewhere import CLEAR_REGISTRATION
from onboard.checks.package_manager_usable import REBUILD_RPM
from onboard.model.words import Remedy, Text, sh
from onboard.steps.script import LOCK_LIMIT, Explain, Explanation

Causes = Sequence[tuple[str, Explanation]]


def explain_by(*tables: Causes) -> Explain:
    """Finds the first row, table by table, whose pattern is in what was said."""
    rows = [(re.compile(pattern), cause) for table in tables for pattern, cause in table]
    return lambda said: next((cause for pattern, cause in rows if pattern.search(said)), None)


_FORBIDDEN = Remedy(
    "Find what forbids it, allow AWS's agent there, then run apply again. These show immutable files, what fapolicyd "
    "refused, and file systems from which no program may be run",
    sh("sudo", "lsattr", "-d", "/usr/bin", "/etc/amazon", "/var/lib/amazon", "/var/log/amazon"),
    sh("sudo", "ausearch", "-m", "FANOTIFY", "-ts", "recent"),
    sh("findmnt", "-O", "noexec"),
)
ON_ANY_STEP: Causes = (
    (
        r"other work of Onboard has been under way",
        Explanation(
            "Another registration or installation of Onboard is under way on this server",
            "Run apply again in a few minutes: it uses the result of that work",
        ),
    ),
    (
        r"No space left on device",
        Explanation(
            "The disk is full, or no more files can be created on it",
            Remedy(
                "Free some space, then run apply again. These show how full the disks are, in bytes and in files",
                sh("df", "-h", "/", "/var", "/usr"),
                sh("df", "-i", "/", "/var", "/usr"),
            ),
        ),
    ),
    (
        r"(?i)read-only file system",
        Explanation(
            "A file system that must be written to is read-only",
            Remedy(
                "Find out why: a fault of the disk, or the system's design. Then mount it for writing and run apply "
                "again. These show which it is, and what the kernel says",
                sh("findmnt", "-O", "ro"),
                sh("sudo", "dmesg", "--level", "err,warn"),
            ),
        ),
    ),
    (
        (
            r"(?i)fork/exec .*(?:not permitted|permission denied)|unable to execute .*permission denied"
            r"|failed to exec scriptlet interpreter|noexec"
        ),
        Explanation(
            "A program may not be run where it is: the file system is mounted with noexec, or fapolicyd or a security "
            "agent forbids it",
            _FORBIDDEN,
        ),
    ),
)
# What may also be part of a more particular cause: asked last.
OTHERWISE: Causes = (
    (
        r"(?i)operation not permitted",
        Explanation(
            "Something on this server forbids this even to root: an immutable file (chattr +i), fapolicyd or a "
            "security agent",
            _FORBIDDEN,
        ),
    ),
)

_SIGNED_BY_SHA1 = Explanation(
    "This system refuses packages signed with SHA-1, as agents before 3.3.1802.0 are",
    "Choose agent.version 3.3.1802.0 or later",
)
INSTALLATION: Causes = (
    (
        r"locked by another process|transaction lock",
        Explanation(
            Text("Another package manager held its lock for {minutes} minutes", minutes=LOCK_LIMIT // 60),
            Remedy(
                "Wait until it has ended, then run apply again. This shows whether it is still running",
                sh("pgrep", "-af", "apt|dpkg|yum|dnf|rpm|zypper"),
            ),
        ),
    ),
    (
        r"dpkg was interrupted|dpkg --configure -a",
        Explanation(
            "An earlier installation on this server was interrupted",
            Remedy("Finish it on the server, then run apply again", sh("sudo", "dpkg", "--configure", "-a")),
        ),
    ),
    (
        (
            r"rpm cannot say what is installed|BDB0113|DB_RUNRECOVERY|rpmdb open failed"
            r"|cannot open Packages (?:index|database)|database disk image is malformed"
        ),
        Explanation("rpm's database is damaged", REBUILD_RPM),
    ),
    (
        r"dpkg cannot say what is installed|parsing file '/var/lib/dpkg/",
        Explanation(
            "dpkg's database is damaged",
            Remedy(
                "Put back dpkg's own copy of it, or one from /var/backups, then run apply again. This does",
                sh("sudo", "cp", "-p", "/var/lib/dpkg/status-old", "/var/lib/dpkg/status"),
            ),
        ),
    ),
    (
        r"dependency problems|Failed dependencies|is needed by amazon-ssm-agent",
        Explanation(
            "The package needs other packages that are not installed",
            "Install what the evidence names, then run apply again",
        ),
    ),
    (r"Signature, key ID \S+: BAD|BAD, key ID", _SIGNED_BY_SHA1),
    (
        r"does not verify: .*no digest",
        Explanation(
            "This system, in FIPS mode, accepts none of the digests that the package has",
            "Choose agent.version latest, or a newer agent in agent.source: they have SHA-256 digests",
        ),
    ),
    (
        r"does not verify: .*NOKEY",
        Explanation(
            "This system installs only packages whose signing key rpm knows (%_pkgverify_level), and it does not know "
            "AWS's",
            "Import AWS's key for SSM Agent on the server with rpm --import, as AWS's user guide describes (Verifying "
            "the signature of SSM Agent), then run apply again",
        ),
    ),
    (
        r"does not verify: .*no signature",
        Explanation(
            "This system installs only signed packages (%_pkgverify_level), and this one has no signature of rpm's own",
            "Choose an agent.version or agent.source whose package is signed",
        ),
    ),
    (
        r"installed in this instance by snap",
        Explanation(
            "The agent is installed as a snap here",
            Remedy("Remove the snap, then run apply again", sh("sudo", "snap", "remove", "amazon-ssm-agent")),
        ),
    ),
    (
        r"does not match system|intended for a different architecture",
        Explanation(
            "The package is for a different processor", "Report it: the server's architecture was not recognised"
        ),
    ),
)
# Printed as a warning with every such package too, so it is the cause only where nothing else is.
INSTALLATION_OTHERWISE: Causes = ((r"RSA/SHA1 Signature", _SIGNED_BY_SHA1),)

_NEW_ACTIVATION = "Run apply again: it makes a new activation"
_CLOCK = "Correct it (chronyd or ntpd), then run apply again"
_INSPECTION = (
    "Exempt AWS's names from devices that inspect or filter connections, or set network.proxy. A path whose packets "
    "must be smaller (MTU), as behind a VPN, does this too"
)
REGISTRATION: Causes = (
    (r"ActivationExpired", Explanation("The activation has expired", _NEW_ACTIVATION)),
    (
        r"InvalidActivation",
        Explanation(
            "AWS does not know the activation: it was deleted, mistyped or made in another Region", _NEW_ACTIVATION
        ),
    ),
    (r"RegistrationLimitExceeded", Explanation("The activation is used up", _NEW_ACTIVATION)),
    (
        r"InstanceAlreadyRegistered",
        Explanation(
            "The agent's key already belongs to a node, as on a copied machine",
            Remedy("Clear the registration on this server, then run apply again", *CLEAR_REGISTRATION),
        ),
    ),
    (
        r"AccessDenied",
        Explanation(
            "AWS denied the registration: a service control policy, or the policy of a VPC endpoint on the way",
            "Allow ssm:RegisterManagedInstance there, then run apply again. The evidence has AWS's words",
        ),
    ),
    (
        r"[Ff]ingerprint",
        Explanation(
            "The agent could not make or match this machine's fingerprint",
            Remedy(
                "Give the server its own machine ID that survives a restart, then run apply again. This creates one if "
                "/etc/machine-id is empty",
                sh("sudo", "systemd-machine-id-setup"),
            ),
        ),
    ),
    (
        r"x509: .*is after ",
        Explanation(
            "The certificate that the endpoint presented has expired by the server's clock",
            "Compare the server's clock with the true time and correct it (chronyd or ntpd). If it is right, a proxy "
            "or device that intercepts TLS has an expired certificate: exempt AWS's names from it",
        ),
    ),
    (
        r"x509: .*(?:is before |not yet valid)",
        Explanation("The server's clock is behind: the endpoint's certificate is not valid yet at its time", _CLOCK),
    ),
    (
        r"x509: (?:certificate is valid for|certificate is not valid for|cannot validate certificate for)",
        Explanation(
            "The certificate that was presented belongs to another name than the endpoint's",
            "Check network.endpoints.ssm and what its name resolves to on the server; exempt AWS's names from devices "
            "that intercept TLS",
        ),
    ),
    (
        r"x509: |CERTIFICATE_VERIFY_FAILED",
        Explanation(
            "The agent does not trust the certificate that the endpoint presented",
            "Allow the fix install_roots (run.fixes). Behind a proxy that intercepts TLS, exempt AWS's names from it, "
            "or add its CA to the server's trust store",
        ),
    ),
    (
        # Go tells of a proxy that refuses CONNECT only by the status it gave.
        (
            r"proxyconnect|Proxy Authentication Required|407 |"
            r'": (?:Forbidden|Unauthorized|Bad Gateway|Service Unavailable|Gateway Timeout|Method Not Allowed)'
        ),
        Explanation(
            "The proxy refuses the agent's connection",
            "Check network.proxy, and let the proxy allow CONNECT to port 443 of the endpoints for this server",
        ),
    ),
    (
        r"[Ss]ignature (?:expired|not yet current)|InvalidSignatureException",
        Explanation("The server's clock is more than 5 minutes off", _CLOCK),
    ),
    (
        r"no such host|server misbehaving|Name or service not known|Temporary failure in name resolution",
        Explanation("The server cannot resolve the endpoint's name", "Check its name servers or network.endpoints.ssm"),
    ),
    (
        r"TLS handshake timeout",
        Explanation(
            "The connection to the endpoint was opened, and then nothing came during the TLS handshake", _INSPECTION
        ),
    ),
    (
        r"connection reset by peer|unexpected EOF|: EOF\b|broken pipe",
        Explanation("The connection to the endpoint was broken, by a device on the way or the proxy", _INSPECTION),
    ),
    (
        r"connect: (?:operation not permitted|permission denied)",
        Explanation(
            "The server's own firewall or a security agent forbids the connection to the endpoint",
            "Allow outbound TCP 443 to the endpoints on the server, or set network.proxy",
        ),
    ),
    (
        r"dial tcp|i/o timeout|connection refused|send request failed|context deadline exceeded|no route to host",
        Explanation("The server cannot reach the endpoint", "Open TCP port 443 to the endpoints, or set network.proxy"),
    ),
    (
        r"ThrottlingException|Rate exceeded",
        Explanation("AWS is throttling requests", "Run apply again later"),
    ),
    (
        r"is registered in \S+ already",
        Explanation("It is registered in another Region", "Run check, which says what to do"),
    ),
)

explain_installation = explain_by(INSTALLATION, ON_ANY_STEP, OTHERWISE, INSTALLATION_OTHERWISE)
explain_registration = explain_by(REGISTRATION, ON_ANY_STEP, OTHERWISE)
