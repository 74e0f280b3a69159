"""Where central keeps things: SQLite in one file by default, PostgreSQL by its address."""
