"""Explanations of syntax errors: what a text that does not parse was meant to be."""
