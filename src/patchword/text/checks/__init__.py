"""What is looked for in parallel text before it is trained on."""
