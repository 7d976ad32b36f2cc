"""How PyTorch writes operators, layers and functions of numbers."""
