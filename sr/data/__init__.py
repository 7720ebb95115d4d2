"""Data: files to batches."""
