"""Parameters of files whose names are other ones: rules, alignment of trees, mapping files."""
