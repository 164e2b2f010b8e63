"""The papers' parts, on torch alone: every mechanism stands in the file that has its name."""
