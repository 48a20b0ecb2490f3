"""Answers requests: which segments a visitor is in, and how likely they are to act."""

import os

# ONNX Runtime 1.29 and newer reports its use over the network and writes a device's identity to the home folder, unless
# this is set before it is imported. (measured, docs/LOG.md)
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# grpcio's newer listener reads sockets on threads of its own and hands over what it read to the thread that polls,
# which costs a third of the throughput and of the latency; the older one reads where it is polled. It counts when grpc
# is first imported, and has no effect where the name is not known. (measured: docs/LOG.md, the way of a request)
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")

# The core writes lines of its own, which are no JSON and say no more than the errors that we log; an operator may ask.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
