"""Checkpoints on disk: our own model folder."""
