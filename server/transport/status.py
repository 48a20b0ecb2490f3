"""The one table from what went wrong to what the caller is told."""

import grpc

from server import errors

_CODES: dict[type[errors.AudienceError], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unsupported: grpc.StatusCode.UNIMPLEMENTED,
    errors.UnknownModel: grpc.StatusCode.NOT_FOUND,
    errors.UnknownHead: grpc.StatusCode.NOT_FOUND,
    errors.NoModelReady: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineTooShort: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
# gRPC carries the text in a header, in which a byte may become three, and clients refuse headers beyond 8 KiB.
LONGEST_TEXT = 1000
LONGEST_TEXT_BYTES = 2000
INTERNAL_TEXT = "a fault of the server; its log has the request_id"
FAULT_TEXT = "a fault of the server; its log says which"


def code_of(error: Exception) -> grpc.StatusCode:
    """The status of a call that failed like this; INTERNAL for what nobody foresaw and for the operator's errors."""
    return _CODES.get(type(error), grpc.StatusCode.INTERNAL)  # type: ignore[arg-type]  # any type may be looked up


def text_of(error: Exception) -> str:
    """What the caller is told; nothing of the server's inside."""
    return INTERNAL_TEXT if code_of(error) is grpc.StatusCode.INTERNAL else _short(str(error))


def _short(text: str) -> str:
    """The beginning of a text, as long as a header takes; "?" for what cannot be sent."""
    if len(text) <= LONGEST_TEXT and text.isascii():
        return text
    encoded = text[:LONGEST_TEXT].encode(errors="replace")
    return encoded[:LONGEST_TEXT_BYTES].decode(errors="ignore")
