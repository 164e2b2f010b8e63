"""Whole networks, each with its frozen config."""
