"""Networks that learn to make LR of HR: (N, C, sH, sW) and noise (N, 1, sH, sW) -> (N, C, H, W)."""
