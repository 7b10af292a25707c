"""Which readings billing periods rest on."""
