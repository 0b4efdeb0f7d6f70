"""What the Servers page opens over itself."""
