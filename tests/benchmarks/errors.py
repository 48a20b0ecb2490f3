"""What can go wrong in a benchmark."""


class Unavailable(Exception):
    """Something that a part of the benchmark needs is not there; that part is left out. The text says what to do."""


class WrongAnswer(Exception):
    """A server answered something else than the estimators. No figure counts then. The text says who and what."""
