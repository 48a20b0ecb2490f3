"""Answers requests: which segments a visitor is in, and how likely they are to act."""

import os

# ONNX Runtime 1.29 and newer reports its use over the network and writes a device's identity to the home folder, unless
# this is set before it is imported. (measured, docs/LOG.md)
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
