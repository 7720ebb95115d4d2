"""Degradations: a batch of HR images or clips to LR."""
