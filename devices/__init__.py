"""Device ports and drivers. Imports nothing of ours: a driver can be developed, tested and used alone."""
