"""`make demo`: both systems trained on data that comes with the dependencies, and a page that shows them working."""
