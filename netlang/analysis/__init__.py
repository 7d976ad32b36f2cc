"""What a graph costs and sees, computed from types alone."""
