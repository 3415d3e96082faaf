"""GRANT: one module a way to come to tokens; each builds a form, sends it once and returns what came back."""
