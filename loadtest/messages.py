"""A message as gRPC puts it into DATA frames: a byte that says whether it is compressed, its length, and itself."""

from typing import Final

HEAD_BYTES: Final = 5


def framed(content: bytes) -> bytes:
    """The message with its five bytes, not compressed.

    >>> framed(b"ab").hex()
    '00000000026162'
    """
    return b"\0" + len(content).to_bytes(HEAD_BYTES - 1, "big") + content


def joined(message: bytes | bytearray, more: bytes) -> bytes | bytearray:
    """The two together; a message in many frames is not copied for each of them."""
    if not message:
        return more
    whole = message if isinstance(message, bytearray) else bytearray(message)
    whole += more
    return whole


def content(message: bytes | bytearray) -> bytes | None:
    """The message after its five bytes; None unless it is one, whole, not compressed, and nothing follows.

    >>> content(framed(b"ab")), content(framed(b"ab")[:-1]), content(b"")
    (b'ab', None, None)
    """
    size = len(message) - HEAD_BYTES
    if size < 0 or message[0] or size != int.from_bytes(message[1:HEAD_BYTES], "big"):
        return None
    return bytes(message[HEAD_BYTES:])
