"""Optimizers that torch does not have in this form."""
