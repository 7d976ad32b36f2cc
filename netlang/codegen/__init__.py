"""Programs in other languages, generated from the syntax tree."""
