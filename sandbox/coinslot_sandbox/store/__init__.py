"""The store: one code path for SQLite and PostgreSQL. It knows nothing of HTTP."""
