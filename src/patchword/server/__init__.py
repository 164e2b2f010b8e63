"""Door: HTTP. Any number of models, what they answer and what they looked at, and the page at /."""
