"""The pages: the same numbers as the API, drawn on the server."""
