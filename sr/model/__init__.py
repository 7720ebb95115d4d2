"""LightningModules: how a network is trained."""
