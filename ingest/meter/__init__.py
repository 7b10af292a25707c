"""Meters as people deal with them: holds, resets, what is bound and mounted where, and how a meter stands."""
