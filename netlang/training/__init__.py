"""Train sections become graphs of one step, and runs of many."""
