"""The parts of the page Install."""
