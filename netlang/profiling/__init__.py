"""How long the layers of a net, or of a training step, take on onnxruntime."""
