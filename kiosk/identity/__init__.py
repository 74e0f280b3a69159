"""Who stands before the terminal: the face against the picture of the card, and whether it is a living one."""
