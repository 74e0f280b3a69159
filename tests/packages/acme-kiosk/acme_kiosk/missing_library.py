"""Needs a library that this machine has not."""

import acme_sdk_of_the_vendor  # noqa: F401
