"""Degradations: from a batch of HR images or clips to LR."""
