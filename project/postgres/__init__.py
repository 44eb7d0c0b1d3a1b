"""Django's PostgreSQL backend, with pooled connections in web and worker processes."""
