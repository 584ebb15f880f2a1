"""A trained network on new files: preprocessing and weights, with torch alone."""
