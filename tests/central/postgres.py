"""A private PostgreSQL for the tests: made empty, on a Unix socket alone, gone with them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # where Debian puts them
OWNER = "postgres"  # the server refuses to run as root
DEADLINE_S = 60


class Cluster:
    """One running server; each test has a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def new_database(self) -> str:
        """Return the address of an empty database."""
        self._made += 1
        admin = sqlalchemy.create_engine(self._url(OWNER), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE test{self._made}")
        admin.dispose()
        return self._url(f"test{self._made}")

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self._folder}"


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a server for the length of the block."""
    folder = Path(tempfile.mkdtemp(prefix="tongban-pg-"))  # short: a socket's path has 107 bytes at most
    user = OWNER if os.geteuid() == 0 else None
    if user is not None:
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data, binaries = folder / "data", BINARIES[-1]

    def run(*command: str) -> None:
        subprocess.run(command, user=user, cwd=folder, check=True, timeout=DEADLINE_S, stdout=subprocess.DEVNULL)

    try:
        run(str(binaries / "initdb"), "-D", str(data), "-U", OWNER, "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        control = str(binaries / "pg_ctl")
        run(control, "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield Cluster(folder)
        finally:
            run(control, "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
