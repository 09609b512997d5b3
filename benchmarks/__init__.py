"""Measurements of the product: `python -m benchmarks`."""
