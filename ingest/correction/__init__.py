"""Corrections of readings that stand, by people, with their reasons."""
