"""A model from elsewhere, an ONNX file and a TOML file that says what it means, becomes a version."""
