"""Data in, bundle out. Never imported by the server."""
