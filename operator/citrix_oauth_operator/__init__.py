"""Kubernetes operator that keeps OAuth access tokens for Citrix systems fresh in Secrets."""

__version__ = "0.1.0"
