"""Fitted heads → one ONNX graph, and the proof that it answers as they do."""
