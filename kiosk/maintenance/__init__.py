"""The technician's service mode: who may open it, what was done, how the machine is, and its way back into service."""
