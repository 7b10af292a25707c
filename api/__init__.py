"""What people and partners touch: HTTP API, portal, command line.

Owns: authentication, routes, pages, commands, the wiring of a process.
Does not own: rules; it calls the packages below.

Invariants: a party sees its own rows only, checked here and refused by the database; decimals leave as strings;
an error says what is wrong, where, and what would be right.
"""
