"""Readings from files: tables, Parquet, JSON lines and SenML packs, through the same door as messages."""
