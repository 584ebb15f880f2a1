"""One run from its plan to its weights, on whatever devices there are."""
