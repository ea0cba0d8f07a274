"""SQLite in WAL mode. As a program, what tinysup runs once the app has stopped: database.py checkpoint | backup"""
import os
import sqlite3
import sys
import time
from pathlib import Path

PATH = Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))


def connect():
    connection = sqlite3.connect(PATH, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def checkpoint():
    busy, _, _ = connect().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        sys.exit("the database is in use")


def backup():
    folder = PATH.parent / "backup"
    folder.mkdir(exist_ok=True)
    name = folder / time.strftime("%Y-%m-%dT%H%M%SZ.db", time.gmtime())
    connect().execute("VACUUM INTO ?", [str(name)])
    print(name)


if __name__ == "__main__":
    {"checkpoint": checkpoint, "backup": backup}[sys.argv[1]]()
