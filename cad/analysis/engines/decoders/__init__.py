"""Built-in decoders: how the outputs of one family of heads become boxes."""
