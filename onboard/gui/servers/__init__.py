"""The parts of the page Servers, and what it opens over itself."""
