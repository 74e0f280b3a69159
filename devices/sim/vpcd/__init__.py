"""A real ``pcscd`` with readers in software, on a private network: nothing of it listens on the machine's own."""
