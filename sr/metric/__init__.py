"""Metrics: one score per image or clip."""
