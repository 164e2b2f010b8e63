"""Foreign formats, in and out: a room for each family, above the wings whose types they write."""
