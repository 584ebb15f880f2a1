"""A packed data set as a page a person can look at."""
