"""Plain handlers on both transports: what a servicer is told of its call, and can say."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from tests.server.transport.conftest import PATIENCE_S, Asked, Make, asking
from tests.server.transport.traces import eventually

SERVICE = "plain.Service"
METHOD = f"/{SERVICE}/Do"
Serve = Callable[..., Asked]


def _reply(content: str) -> bytes:
    if content == "unsayable":
        raise ValueError("no bytes for this")
    return content.encode()


@pytest.fixture
def serve(make: Make) -> Iterator[Serve]:
    """Starts a server of one unary method that does what it is given."""
    with_these: list[Any] = []

    def serve_one(behaviour: Callable[[str, grpc.ServicerContext], str], *, is_raw: bool = False) -> Asked:
        server = make()
        converters = () if is_raw else (bytes.decode, _reply)
        handler = grpc.unary_unary_rpc_method_handler(behaviour, *converters)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Do": handler}),))
        context = asking(server)
        with_these.append(context)
        asked: Asked = context.__enter__()
        return asked

    yield serve_one
    for context in with_these:
        context.__exit__(None, None, None)


def test_metadata(serve: Serve) -> None:
    """The handler reads what the client sent, and the client what the handler sent before and after the reply."""

    def behave(text: str, context: grpc.ServicerContext) -> str:
        given = dict(context.invocation_metadata())
        context.send_initial_metadata((("before", given["x-key"]),))
        context.set_trailing_metadata((("after-bin", given["x-key-bin"]), ("after", "2")))
        return text

    reply, call = (
        serve(behave)
        .call(METHOD)
        .with_call(b"ab", metadata=(("x-key", "1"), ("x-key-bin", b"\0\xff")), timeout=PATIENCE_S)
    )
    assert reply == b"ab"
    assert ("before", "1") in call.initial_metadata()
    assert {("after-bin", b"\0\xff"), ("after", "2")} <= set(call.trailing_metadata())


def test_metadata_of_a_failure(serve: Serve) -> None:
    """Metadata goes with a failure too."""

    def behave(_text: str, context: grpc.ServicerContext) -> str:
        context.set_trailing_metadata((("after", "2"),))
        context.abort(grpc.StatusCode.ABORTED, "no")

    refused: Any = serve(behave).refusal(b"ab", METHOD)
    assert (refused.code(), refused.details()) == (grpc.StatusCode.ABORTED, "no")
    assert ("after", "2") in refused.trailing_metadata()


def test_status_beside_a_reply(serve: Serve) -> None:
    """A code that the handler set counts, whatever it returns."""

    def behave(text: str, context: Any) -> str:
        context.set_code(grpc.StatusCode.NOT_FOUND)
        context.set_details("not here")
        assert (context.code(), context.details() in {"not here", b"not here"}) == (grpc.StatusCode.NOT_FOUND, True)
        return text

    refused = serve(behave).refusal(b"ab", METHOD)
    assert (refused.code(), refused.details()) == (grpc.StatusCode.NOT_FOUND, "not here")


def test_abort_with_ok(serve: Serve) -> None:
    """Aborting with OK is a mistake, and the client does not take it for a reply."""
    refused = serve(lambda _, context: context.abort(grpc.StatusCode.OK, "fine")).refusal(b"ab", METHOD)
    assert refused.code() is grpc.StatusCode.UNKNOWN


def test_what_fails(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that raises ends its call with UNKNOWN; the log has the traceback, and the next call is answered."""

    def behave(text: str, _context: grpc.ServicerContext) -> str:
        if text == "bad":
            raise ZeroDivisionError("the inside")
        return text

    asked = serve(behave)
    with caplog.at_level(logging.ERROR):
        assert asked.refusal(b"bad", METHOD).code() is grpc.StatusCode.UNKNOWN
    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)
    assert asked.call(METHOD)(b"good", timeout=PATIENCE_S) == b"good"


def test_undecodable_message(serve: Serve) -> None:
    """A message that the handler's own parser refuses is INTERNAL, as grpcio has it."""
    assert serve(lambda text, _: text).refusal(b"\xff", METHOD).code() is grpc.StatusCode.INTERNAL


def test_undecodable_reply(serve: Serve) -> None:
    """A reply that cannot be written is a failure."""
    refused = serve(lambda _, __: "unsayable").refusal(b"ab", METHOD)
    assert refused.code() in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


def test_no_converters(serve: Serve) -> None:
    """A handler without converters takes and gives bytes."""
    asked = serve(lambda content, _: content[::-1], is_raw=True)
    assert asked.call(METHOD)(b"\xff\0", timeout=PATIENCE_S) == b"\0\xff"


def test_facts(serve: Serve) -> None:
    """The handler knows who calls, how long there is, and that the call is active."""
    seen: dict[str, Any] = {}

    def behave(text: str, context: grpc.ServicerContext) -> str:
        seen.update(
            peer=context.peer(),
            left_s=context.time_remaining(),
            is_active=context.is_active(),
            identities=context.peer_identities(),
            key=context.peer_identity_key(),
            auth=context.auth_context(),
        )
        return text

    serve(behave).call(METHOD)(b"ab", timeout=PATIENCE_S)
    assert seen["peer"].startswith("ipv4:127.0.0.1:")
    # A client sends its deadline in a few digits, rounded up: at most by a tenth of a second in a minute.
    assert PATIENCE_S / 2 < seen["left_s"] <= PATIENCE_S + 0.1
    assert seen["is_active"] is True
    assert (seen["identities"], seen["key"]) == (None, None)
    assert seen["auth"].get("transport_security_type") in (None, [b"insecure"])


def test_callback(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Who wants to know of the end of a call is told, also after another who failed."""
    has_ended = threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    def behave(text: str, context: grpc.ServicerContext) -> str:
        context.add_callback(fail)
        assert context.add_callback(has_ended.set)
        return text

    serve(behave).call(METHOD)(b"ab", timeout=PATIENCE_S)
    assert has_ended.wait(PATIENCE_S)


def test_cancelled_by_the_handler(serve: Serve) -> None:
    """A handler may cancel its call."""

    def behave(text: str, context: grpc.ServicerContext) -> str:
        context.cancel()
        return text

    refused = serve(behave).refusal(b"ab", METHOD)
    assert refused.code() in {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN}


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
@pytest.mark.parametrize("kind", ["unary_stream", "stream_unary", "stream_stream"])
def test_handlers_that_would_wait(make: Make, kind: str) -> None:
    """The inline transport refuses handlers that would wait for their client, and says what to do."""
    handler = getattr(grpc, f"{kind}_rpc_method_handler")(lambda _, __: None)
    with pytest.raises(ValueError, match=r"^/plain.Service/Do cannot be served here.*--transport threads"):
        make().add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Do": handler}),))
    with pytest.raises(ValueError, match=r"^/plain.Service/Do cannot be served here"):
        make().add_registered_method_handlers(SERVICE, {"Do": handler})


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
def test_handlers_that_do_not_say_what_they_have(make: Make) -> None:
    """Nor does it take a handler that decides by call, since nobody can say whether that would wait."""

    class Anything(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:  # noqa: ARG002  # its interface
            return None

    with pytest.raises(ValueError, match="does not say which methods it has; use method_handlers_generic_handler"):
        make().add_generic_rpc_handlers((Anything(),))


@pytest.mark.parametrize("transport", ["inline", "sockets"], indirect=True)
def test_stream_that_fails(make: Make) -> None:
    """A handler that fails in the middle of a dialogue ends it, after what it has said."""

    def behave(texts: Iterator[str], context: grpc.ServicerContext) -> Iterator[str]:
        for text in texts:
            yield text
            if text == "b":
                context.abort(grpc.StatusCode.ABORTED, "enough")

    behave.message_by_message = True  # type: ignore[attr-defined]  # what the transport asks for
    server = make()
    handler = grpc.stream_stream_rpc_method_handler(behave, bytes.decode, _reply)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Do": handler}),))
    with asking(server) as asked:
        replies: Any = asked.channel.stream_stream(METHOD)(iter((b"a", b"b", b"c", b"d")), timeout=PATIENCE_S)
        heard: list[bytes] = []
        with pytest.raises(grpc.RpcError) as caught:
            heard.extend(replies)
        assert caught.value.code() is grpc.StatusCode.ABORTED
        eventually(lambda: bool(server.is_idle), "nothing is kept")
