"""Discriminators: image to logits."""
