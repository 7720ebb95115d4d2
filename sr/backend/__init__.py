"""Networks in exported files, run by another program than PyTorch: one file for each format."""
