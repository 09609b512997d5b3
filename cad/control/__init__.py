"""The control plane: all that runs in cadd."""
