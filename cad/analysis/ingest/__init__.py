"""Where frames come from: RTSP cameras and recordings. The only home of libav in the product.

`Streams` keeps one `StreamReader` for each stream. A reader has one thread, which asks the
`Governor` for its turn, opens the `source`, and runs a `Session`: packets → `Decoder` → `Timeline`
→ `Pace` (recordings) → the stream's sink. What goes wrong becomes a `StreamError` of a class that
an operator acts on; the `Ledger` holds it, and the reader asks for its next turn.

A call into libav cannot be interrupted from outside. Therefore every one of them carries a deadline
of its own, and `Streams` watches them: a thread that does not come back is abandoned, counted, and
replaced. For the same reason `stop` takes the stream from its thread instead of waiting for it.

Pure and without a thread: `schedule`, `timeline`, `pacing`, `cadence`, `nal`.
"""
