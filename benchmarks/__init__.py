"""Measurements of the product: `python -m benchmarks`."""

import cad.analysis.engines  # noqa: F401 - before anything loads onnxruntime: keeps it silent
