"""Looking inside a trained run: what its first layer has become, what its units respond to, what it looks at."""
