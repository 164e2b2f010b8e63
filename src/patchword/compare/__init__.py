"""Experiments that test what the papers claim: one short file a claim, the same loop and data for both sides."""
