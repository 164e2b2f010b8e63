"""The fast path on the CPU: the networks of `models` with packed or quantised weights, held to their answers by tests."""
