"""Losses: (sr, hr) to a scalar."""
