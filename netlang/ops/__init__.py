"""Operators: one class each, with all its rules, laws and traits."""
