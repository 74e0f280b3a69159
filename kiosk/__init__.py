"""The terminal's core: journeys over devices and an outbox. Knows neither Qt nor a vendor."""
