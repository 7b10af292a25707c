"""What serving contracts costs, and what is left of their revenue."""
