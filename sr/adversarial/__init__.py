"""Adversarial criteria: from logits of real and fake images to the losses of both networks."""
