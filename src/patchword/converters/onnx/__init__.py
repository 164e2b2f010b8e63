"""Graphs for onnxruntime."""
