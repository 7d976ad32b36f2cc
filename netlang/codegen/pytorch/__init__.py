"""PyTorch modules: one class for each block, with parameters named by the paths of netlang."""
