"""Data that come with the dependencies: phrases in two languages, for the demo and for comparisons."""
