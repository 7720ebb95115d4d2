"""Augmentations of training patches, LR and HR together."""
