"""Whole stories against real services."""
