"""What happens to a frame: sampling, batching, tracking, rules, alarm.

A stream's thread asks its `hub` whether a picture is due (`sampler`) and offers it to the `lane` of
every service with a task on the stream. There the frame waits: the newest one of a live stream,
several of a recording, whose reader waits when there is no place. The inference threads of the
`scheduler` take frames in fair `turns`, by engine time between services (`shares`), scale them only
then, and call the engine of the `service`.
Results leave a lane in the order of its frames (`order`) and pass its `watch`: one `tracking` for
tasks of equal sensitivity, the `rules` of each task. What these report becomes an event with its
pictures in the `alarm`, which keeps it in view until the daemon has stored it.

Nothing here waits for a slow stream. While the daemon stores no events no frames are taken, so
frames drop but events never do. An error ends the task or service in which it happened (`contain`).
"""
