"""What every refusal of training has in common."""


class NotTrained(Exception):
    """What was asked for cannot be done. The text says why, and what to change; nothing was published."""
