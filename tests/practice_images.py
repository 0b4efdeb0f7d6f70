"""The kinds of practice servers of tests that need many: two healthy ones, and those whose faults the checks find."""

from onboard.practice.image import image

CHECKED = ("healthy-debian", "healthy-rhel", "clone", "no-amazon-roots", "no-route", "other-account", "slow-clock")
CHECKED_IMAGES = tuple(map(image, CHECKED))
