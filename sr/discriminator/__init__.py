"""Discriminators: from an image to logits."""
