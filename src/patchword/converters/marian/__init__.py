"""Marian / OPUS-MT, in and out."""
