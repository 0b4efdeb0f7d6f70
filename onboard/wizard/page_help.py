"""The help shown by F1: what each stage is for and how to use its page, in a few sentences."""

from onboard.wizard.text import said

PAGE_HELP = {
    "start": said(
        "Start a new profile, open an existing one, or drop a profile file on the window. Practice shows every step"
        " with a simulated cloud and simulated servers; nothing there is real."
    ),
    "account": said(
        "Choose the AWS profile of the account that the servers will join. This page changes nothing in AWS. "
        "Missing permissions are found by an IAM simulation and listed by name, so that an administrator can "
        "add them."
    ),
    "servers": said(
        "Type, paste or import your servers and set up how to log in. Host keys are read without using a "
        "credential; compare their fingerprints with a list that you trust, then approve them. A changed key "
        "cannot be approved here."
    ),
    "region": said(
        "Measure the latency to each Region, from this computer and from your servers. If they disagree, trust "
        "the servers: they are what will use the Region. Select a Region on the map or in the table and press "
        "Enter to use it."
    ),
    "role": said(
        "Every node uses this IAM role. Onboard creates a role that only Systems Manager can assume, for this "
        "account and Region; an existing role is compared with that and never changed silently."
    ),
    "activation": said(
        "The activation is created for exactly the servers of the run, expires as set here, and is deleted at "
        "the end of the run. Tags are copied to every node. The card on the right shows which tier this needs "
        "and what it costs."
    ),
    "network": said(
        "Choose how servers reach AWS: directly, through interface VPC endpoints, or through a proxy. Only "
        "outbound TCP port 443 is needed. The agent package is downloaded once, verified, and copied to the "
        "servers."
    ),
    "checks": said(
        "Every prerequisite is checked on every server; nothing is changed. Select a cell to see what was "
        "found, why it matters and how to fix it. Blocked servers are left out; check them again once they are"
        " fixed."
    ),
    "review": said(
        "Shows what will be done in AWS and on each server, and which servers are left out and why. Save the "
        "plan for approval, or continue: Install does exactly this. If more would be needed, it stops before "
        "changing anything."
    ),
    "install": said(
        "A few servers are installed first; the others follow once those are online. A server is done when "
        "Systems Manager reports it as Online and it has answered through Run Command. You can stop at any time "
        "and resume later."
    ),
    "finish": said(
        "Shows which servers are online, which are not, and why. Save a report to share, save the profile for "
        "next time, or undo everything that the run changed. You can also list earlier runs and show here how "
        "they ended."
    ),
}
