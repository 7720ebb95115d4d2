"""Metrics: one score for each image or clip."""
