"""REPORT: one Outcome becomes status, Events and log lines."""
