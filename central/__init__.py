"""Reference platform: intake, catalogue, decisions, certificates. Never installed on a terminal."""
