"""The fault campaign: processes are killed, stopped and cut off, servers lose answers, and one checker judges.

`python -m tests.faults` (`make faults`) runs the long campaign; tests/faults/test_quick.py is its short slice.
"""
