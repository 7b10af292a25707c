"""Pure parts of ingest."""
