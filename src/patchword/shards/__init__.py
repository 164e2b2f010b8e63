"""Work of many items cut into shards, which any engine may compute in any order, again or on other machines."""
