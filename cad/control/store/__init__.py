"""All state, in SQLite: the database, its migrations, one repository for each aggregate."""
