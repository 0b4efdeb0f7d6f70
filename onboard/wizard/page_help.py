"""What each stage is for and how to work on its page, in a few sentences: F1."""

from onboard.wizard.text import said

PAGE_HELP = {
    "start": said(
        "Begin with a new profile, open one, or drop its file on the window. Practice shows the whole journey"
        " on an embedded cloud and servers; nothing there is real."
    ),
    "account": said(
        "Choose the AWS profile whose account the servers go to. Nothing is changed by asking. Missing "
        "permissions are found by a simulation and listed by name, so that an administrator can add them."
    ),
    "servers": said(
        "Type, paste or import your servers and say how to log in. Host keys are read without any credential;"
        " compare their fingerprints with a list that you trust, then approve them. A changed key is never "
        "approved here."
    ),
    "region": said(
        "Measure how far each Region is, from here and from servers. Where they disagree, the servers count: "
        "it is they that talk to the Region. Select one on the map or in the table and press Enter to use it."
    ),
    "role": said(
        "The role under which every node works. A new one is made so that only Systems Manager may assume it "
        "for this account and Region; one that exists is compared with that and never changed silently."
    ),
    "activation": said(
        "The activation is made for exactly the servers of the run, lives as long as said here, and is "
        "deleted at the end. Tags are copied to every node. The card at the right says which tier that needs "
        "and what it costs."
    ),
    "network": said(
        "Say how servers reach AWS: by themselves, through interface VPC endpoints, or through a proxy. Only "
        "outbound TCP port 443 is needed. The agent's package is fetched once, verified, and pushed to the "
        "servers."
    ),
    "checks": said(
        "Every prerequisite is looked at on every server; nothing is changed. Select a cell to see what was "
        "seen, why it matters and how to fix it. Blocked servers are left out; check them again when they are"
        " mended."
    ),
    "review": said(
        "What will be done, in AWS and on each server, and what is left out and why. Save it for an approval,"
        " or go on: Install does exactly this, and stops before the first change where more would have to be "
        "done."
    ),
    "install": said(
        "A few servers go first; the others follow when those are online. A server is done when Systems "
        "Manager says Online and it answered through Run Command. Stop at any time: what is left can be "
        "resumed."
    ),
    "finish": said(
        "What is online, what is not and why. Save a report for others, save the profile for the next time, "
        "or take everything back that the run changed. Earlier runs can be listed, and shown here as they ended."
    ),
}
