-- Events until they are delivered. Rows are numbered in the order of storing.

-- How many events of a task were stored: the sequence of the last one.
CREATE TABLE outbox_task (
    task_id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    forgotten INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE outbox_event (
    number INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    stored_at TEXT NOT NULL,
    size INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_event_task ON outbox_event (task_id);
CREATE INDEX outbox_event_id ON outbox_event (event_id);

-- Apart, so that looking through the events does not read their pictures.
CREATE TABLE outbox_image (
    event INTEGER PRIMARY KEY REFERENCES outbox_event (number) ON DELETE CASCADE,
    full_image BLOB NOT NULL,
    crop_image BLOB NOT NULL
) STRICT;

-- A destination may hold credentials: it is sealed, and found by a name that tells nothing of it.
CREATE TABLE outbox_destination (
    number INTEGER PRIMARY KEY,
    mac TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL, -- what people may read of it
    sealed BLOB NOT NULL,
    waiting INTEGER NOT NULL DEFAULT 0, -- deliveries; kept by the triggers below, as is dead
    dead INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE outbox_delivery (
    event INTEGER NOT NULL REFERENCES outbox_event (number) ON DELETE CASCADE,
    destination INTEGER NOT NULL REFERENCES outbox_destination (number),
    task_id TEXT NOT NULL,
    holds INTEGER NOT NULL, -- 1 = the event's other deliveries begin when this one is done
    error TEXT, -- why it was given up; null = it waits
    PRIMARY KEY (event, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_waiting ON outbox_delivery (task_id, destination, event) WHERE error IS NULL;
CREATE INDEX outbox_destination_use ON outbox_delivery (destination);
CREATE INDEX outbox_oldest ON outbox_delivery (event) WHERE error IS NULL;
CREATE INDEX outbox_dead ON outbox_delivery (event) WHERE error IS NOT NULL;

CREATE TRIGGER outbox_delivery_made AFTER INSERT ON outbox_delivery BEGIN
    UPDATE outbox_destination SET waiting = waiting + 1 WHERE number = new.destination;
END;
CREATE TRIGGER outbox_delivery_moved AFTER UPDATE OF error ON outbox_delivery BEGIN
    UPDATE outbox_destination
    SET waiting = waiting + (new.error IS NULL) - (old.error IS NULL),
        dead = dead + (old.error IS NULL) - (new.error IS NULL)
    WHERE number = new.destination;
END;
CREATE TRIGGER outbox_delivery_gone AFTER DELETE ON outbox_delivery BEGIN
    UPDATE outbox_destination
    SET waiting = waiting - (old.error IS NULL), dead = dead - (old.error IS NOT NULL)
    WHERE number = old.destination;
END;

-- The last events that were stored, delivered or not: who offers one of them again is not believed.
CREATE TABLE outbox_seen (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE outbox_total (
    delivered INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_total VALUES (0, 0, 0);
