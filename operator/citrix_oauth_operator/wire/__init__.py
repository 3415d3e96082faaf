"""The wire to authorization servers: what is sent, what came back, and what may be connected to at all."""
