"""Runs models: towers in ONNX Runtime or Core ML, and the embedders that use them."""
