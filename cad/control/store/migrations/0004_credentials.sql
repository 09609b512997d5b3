-- Secrets that this device made for itself, encrypted with its key.
CREATE TABLE credential (
    name TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
