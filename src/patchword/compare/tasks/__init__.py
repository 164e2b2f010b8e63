"""Small data that both sides of a claim are trained on: generated, or come with the dependencies."""
