"""Reminders to late payers."""
