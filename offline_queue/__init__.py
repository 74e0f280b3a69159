"""Durable outbox and courier. Imports nothing of ours; bodies are bytes, the clock is a callable."""
