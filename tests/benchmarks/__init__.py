"""What the operator costs, measured against the code most engineers would write first. `make bench` runs it."""
