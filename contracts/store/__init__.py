"""SQL of the contract tables."""
