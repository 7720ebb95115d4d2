"""Augmentations: training patches made more various, LR and HR alike."""
