"""The demonstration: simulated devices, real services, three closed months, and truth held against the bill."""
