"""Programs to start from, written for the data at hand."""
