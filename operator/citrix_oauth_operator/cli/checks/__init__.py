"""The checks of `citrix-oauth check`: one module a subject."""
