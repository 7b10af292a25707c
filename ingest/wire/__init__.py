"""One module for each wire format: bytes to readings or a rejection."""
