"""Segmentations, a method to a module: how each is fitted, what it says in NumPy, and the same in ONNX."""
