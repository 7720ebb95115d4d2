"""Metrics: one score for each image."""
