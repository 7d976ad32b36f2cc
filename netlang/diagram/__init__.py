"""Diagrams of networks: their content, layout and rendering."""
