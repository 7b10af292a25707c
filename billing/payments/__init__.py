"""Money received: statements read, matched to invoices, booked, and taken back."""
