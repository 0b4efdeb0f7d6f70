"""Every page, in the order of the stages. A page's file that is not listed here is refused by a test."""

from onboard.gui.page import Page

PAGES: tuple[type[Page], ...] = ()
