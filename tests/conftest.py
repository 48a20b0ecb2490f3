"""What holds for every test."""

import training  # noqa: F401  # first of all: it sets what OpenMP and ONNX Runtime read when they are loaded
