"""What was imported, taken back and brought back."""
