"""Built-in decoders: how the outputs of one family of heads become boxes.

One module per family, each registered in the entry point group `cad.decoders` like any plugin's.
`grid` and `selection` hold what several families share.
"""
