"""Month end: what is accrued, when the books are closed, the journal for accounting."""
