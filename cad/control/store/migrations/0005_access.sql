-- Who may call, and with what. A record is the domain's value as JSON; secrets and refresh tokens
-- are in it as SHA-256 only, private keys are sealed beside it.

CREATE TABLE access_key (
    kid TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE access_account (
    name TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE access_refresh (
    family TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
