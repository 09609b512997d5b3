"""How an algorithm infers: compiler, session, decoders. The only home of onnxruntime and onnx.

A vendor's plain ONNX model becomes a compiled package once, at installation, and is then only
loaded:

* `compiler` checks the model (`onnx_file`, `signature`), binds its decoder (`registry`,
  `decoders/`) and writes `planes_form`, if asked for also `surface_form`, as `package`
  describes;
* `onnx_engine` serves the planes form: planes → `session` → decoder → `suppression` → `placement`;
* `surface_engine` serves the surface form, where all of that is in the graph, to a decoder on the
  card; workers have none and take the planes form everywhere.
"""

import os

# The official builds of onnxruntime report models, sessions and errors to their maker unless this
# is set before the library is loaded. What a device analyses is nobody's business but its owner's.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
