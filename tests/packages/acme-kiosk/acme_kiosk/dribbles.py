"""Greets whoever loads it a byte at a time, each well in time, without end."""

import os
import sys
import time

wire = int(sys.argv[1])
os.write(wire, (4096).to_bytes(4, "big") + bytes([32]) + bytes(4))
while True:
    os.write(wire, b"\0")
    time.sleep(0.1)
