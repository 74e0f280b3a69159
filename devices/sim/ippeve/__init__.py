"""What lets the real ``ippeveprinter`` run without a DNS-SD daemon, and the paper path behind it."""
