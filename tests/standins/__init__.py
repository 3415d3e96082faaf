"""Servers that stand in for what the operator talks to: Citrix Cloud, and token endpoints that misbehave."""
