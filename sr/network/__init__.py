"""Networks: LR image to SR image."""
