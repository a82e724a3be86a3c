"""Every tracker that installs, with the same calls: `make bench-peers`."""
