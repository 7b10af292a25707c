"""Certificates of devices and the lists that revoke them: what ends soon is told in time."""
