"""What is changed, by name."""

CHANGING = ("apply", "undo")  # commands that change servers and AWS; all others only look
