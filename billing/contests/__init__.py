"""Contests of what was billed."""
