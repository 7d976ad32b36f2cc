"""Builders of nodes, one module for each part of the grammar."""
