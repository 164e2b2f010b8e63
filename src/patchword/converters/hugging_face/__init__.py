"""What the folders of Hugging Face's `transformers` have in common."""
