-- Analysis tasks as they were ordered, and how they ended. Rows are in the order of creation.
CREATE TABLE task (
    number INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL UNIQUE,
    service_id TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    state TEXT NOT NULL,
    record TEXT NOT NULL, -- JSON, without what is in `sealed`
    sealed BLOB NOT NULL -- encrypted JSON: what may hold credentials
) STRICT;
