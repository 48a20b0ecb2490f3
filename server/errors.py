"""What can go wrong, by whose fault it is. Classes carry words for people, never a transport's codes."""


class AudienceError(Exception):
    """Anything that this service expects to go wrong. The text says what was wrong and what would be right."""


class InvalidRequest(AudienceError):
    """The request is wrong. The caller's fault; sent to the caller as it is."""


class Unsupported(AudienceError):
    """The request asks for something that is in its protocol and not in this server. The caller's fault."""


class UnknownModel(AudienceError):
    """No such model, or no such version of it, is loaded. The caller's fault, or a deployment's that is not done."""


class UnknownHead(AudienceError):
    """The model has no such head, perhaps since a swap. The caller's fault, or a deployment's that is not done."""


class NoModelReady(AudienceError):
    """A model is known, or awaited, but no version of it is ready. Passes by itself once one is published."""


class DeadlineTooShort(AudienceError):
    """The caller's deadline passed before the answer was ready."""


class Overloaded(AudienceError):
    """More work than can be answered in time. Passes by itself; try again later, or elsewhere."""


class BadPolicy(AudienceError):
    """A model's policy is no policy, or contradicts itself. The operator's fault; never sent to callers of models."""


class BadBundle(AudienceError):
    """A version's files are damaged, incomplete or not for this server. The operator's fault; never sent to callers."""


class RepositoryUnreadable(AudienceError):
    """The repository cannot be listed. The operator's fault; what is loaded keeps serving."""


class BadKey(AudienceError):
    """A file of a key cannot be read, or holds something else. The operator's fault; said before anything starts."""
