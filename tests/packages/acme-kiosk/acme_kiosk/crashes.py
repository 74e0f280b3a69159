"""Crashes whoever loads it."""

import ctypes

ctypes.string_at(0)
