"""What a call costs in CPU time, beside the same call without us: `make bench`."""
