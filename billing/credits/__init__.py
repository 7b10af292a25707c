"""Credit notes over whole invoices."""
