"""The fast path on the CPU: the networks of `models` with packed or quantised weights, held to them by tests."""
