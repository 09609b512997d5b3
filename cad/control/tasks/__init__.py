"""Services and tasks: their state, and their placement on analysis workers.

* `service`: what callers do with tasks; `book` and `admission` below it
* `machine`: the state of a task, from what is seen of its analysis; `progress` adds up its pictures
* `fleet`: which worker serves what and runs what (`placement`, `assignment`, `suspects`)
* `worker`: one worker, over every replacement of its process (`pulse`: is it alive?)
* `life`: one process by its orders and its news (`retries`); `worker_process` has the I/O
* `intake`: events on their way to the disk; `worker_log`: what a worker writes
* `hosting`: services as the packages' side sees them; `ports`: what is needed of others

Every half second `service` asks `fleet` for a sighting of each live task and lets `machine` judge;
a task's end is stored before its worker lets go of it. Decisions are pure, shells carry them out.
"""
