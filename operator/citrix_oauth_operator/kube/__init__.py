"""COMMIT and PUBLISH: everything that is read from and written to the API server."""
