"""Carrying a queue by hand: sealed batches out on a stick, central's signed replies home."""
