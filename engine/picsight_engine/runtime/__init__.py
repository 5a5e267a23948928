"""A model at work: towers through ONNX Runtime or Core ML, and the embedders made of them."""
