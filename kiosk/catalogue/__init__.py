"""Services as data: packages, their rules, and the journeys made from them."""
