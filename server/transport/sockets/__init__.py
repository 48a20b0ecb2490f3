"""gRPC over HTTP/2, spoken on sockets by the thread that scores: what grpcio's core does, for calls without TLS.

Source: RFC 9113 for HTTP/2, RFC 7541 for its headers, and gRPC over HTTP2 (grpc.io, PROTOCOL-HTTP2).
"""
