"""How calls arrive and leave. Everything above it knows requests, rows and replies, never a wire."""
