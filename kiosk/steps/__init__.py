"""Steps of journeys, one per file. Steps do not import each other."""
