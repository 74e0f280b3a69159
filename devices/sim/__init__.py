"""Simulated machines and people. A simulator shares no codec with the driver it answers."""
