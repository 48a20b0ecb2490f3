"""The Open Inference Protocol, version 2: the same models by the same path, for clients that speak it."""
