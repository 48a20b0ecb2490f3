"""The one error of records."""


class BadData(Exception):
    """Records cannot be learned from. The text says what is wrong with them, and what would be right."""
