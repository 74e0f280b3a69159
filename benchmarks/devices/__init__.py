"""What the devices cost: one file a goal."""
