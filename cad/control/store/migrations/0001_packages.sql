-- File packages, algorithm packages, and the journal of what is being done with them.
-- A record is the domain's value as JSON; what may hold credentials is sealed beside it.

CREATE TABLE file_package (
    file_package_id INTEGER PRIMARY KEY,
    url BLOB NOT NULL,
    license_file BLOB NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE algo_package (
    code TEXT PRIMARY KEY,
    file_package_id INTEGER NOT NULL REFERENCES file_package (file_package_id),
    record TEXT NOT NULL
) STRICT;

CREATE TABLE package_journal (
    subject TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
