"""SQL of the ingest tables."""
