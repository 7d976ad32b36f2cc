"""Large tables: a fast reader of chunks, and a cache of what it has read."""
