"""What editors, highlighters and shells know of the language."""
