"""What running periods come to by now."""
