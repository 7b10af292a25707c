"""How long readings are kept, and what outlives them."""
