"""Nodes built from their parts, a module for each family of rules."""
