"""Where the boxes of a diagram are: levels, order, coordinates, frames, and columns."""
