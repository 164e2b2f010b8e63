"""The same behaviour of all architectures."""
