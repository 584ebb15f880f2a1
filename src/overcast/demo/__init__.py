"""A page on this machine where a person tries a trained run: a picture, sound, text or table in, its answer out."""
