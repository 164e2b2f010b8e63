"""What is looked for in labelled images before they are trained on."""
