"""What each ONNX operator means in terms of ours, one function each."""
