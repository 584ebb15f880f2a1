"""A run as a file that needs no training stack, as a registered model, and served over HTTP."""
