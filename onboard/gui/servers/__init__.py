"""The parts of the Servers page and its dialogs."""
