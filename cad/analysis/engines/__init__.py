"""How an algorithm infers: compiler, session, decoders. The only home of onnxruntime."""
