"""Drivers, one file per device family: reached by name through ``devices.registry``, strangers to each other."""
