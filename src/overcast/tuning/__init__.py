"""Numbers of a run chosen before it: a learning rate by a range test."""
