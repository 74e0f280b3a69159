"""ACME's devices for Tongban: drivers found by their entry points alone."""
