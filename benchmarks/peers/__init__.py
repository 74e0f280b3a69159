"""Queues behind one face, a file each."""
