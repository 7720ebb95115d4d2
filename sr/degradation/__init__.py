"""Degradations: HR batch to LR batch."""
