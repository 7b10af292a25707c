"""What was paid too much: applied to other invoices, or sent back."""
