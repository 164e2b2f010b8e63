"""What a model looked at: attention maps and rollout, and how they are drawn."""
