"""Durable outbox and courier. Imports nothing of ours; bodies are bytes, the clock is a callable.

What others use: ``outbox.Outbox`` (put, state, admission), ``courier.Courier`` and ``http.HttpSender`` (delivery),
``values`` and ``errors`` (what they say), ``wire`` (all that crosses to central, the only part central imports).
Inside: ``ledger`` holds the rules of one transaction, ``store`` the file and its thread, ``queries.sql`` the SQL.
"""
