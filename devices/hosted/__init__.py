"""Drivers in a process of their own: what both ends of the line share, and the end in the terminal's process."""
