"""SQL of the billing tables."""
