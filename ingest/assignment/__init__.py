"""What serves and what is mounted where, from when to when: devices at assets, components at other assets."""
