"""Measure a trained run on every part, with intervals, baselines and pictures."""
