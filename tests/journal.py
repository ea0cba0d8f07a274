"""The journal as its format says (init/journal/record.h): a reader and a writer of our own, for tests.

    records, damaged = read("state/slot-1.journal")     what is good, in order; the lines that are not
    r.kind, r.run, r.number, r.time                     of every record; the fields: r["name"], r.get("state")
    Journal(path).add("run", name="bot").add(...)       appends; time and number go on by themselves
"""
import re
import zlib
from pathlib import Path

NUMBERS = {"signal", "code", "attempt", "count", "after", "took", "deadline", "grace", "failed", "unfinished"}
START = 1763694000000  # 2025-11-21T03:00:00Z


class Record(dict):
    def __init__(self, run, number, time, kind, fields):
        super().__init__(fields)
        self.run, self.number, self.time, self.kind = run, number, time, kind

    def __repr__(self):
        return f"{self.number} {self.kind} {dict(self)}"


def escape(value):
    return "".join(chr(b) if 33 <= b <= 126 and b != 37 else f"%{b:02X}" for b in str(value).encode())


def unescape(value):
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), value.encode()).decode(errors="replace")


def line_of(record):
    words = [record.run, record.number, record.time, record.kind]
    text = "".join(f" {word}" for word in words + [f"{name}={escape(value)}" for name, value in record.items()]).encode()
    return b"%08x%s\n" % (zlib.crc32(text), text)


def parse(line):
    """The record of a line without its newline; None: it is damaged."""
    checksum, rest = line[:8], line[8:]
    if not re.fullmatch(rb"[0-9a-f]{8}", checksum) or int(checksum, 16) != zlib.crc32(rest) or rest[:1] != b" ":
        return None
    run, number, time, kind, *fields = rest.decode("ascii")[1:].split(" ")
    values = dict(field.split("=", 1) for field in fields)
    return Record(run, int(number), int(time), kind,
                  {name: int(value) if name in NUMBERS else unescape(value) for name, value in values.items()})


def read(path):
    """(records, damaged lines)"""
    records, damaged = [], []
    for line in Path(path).read_bytes().split(b"\n"):
        if line:
            record = parse(line)
            if record is None:
                damaged.append(line)
            else:
                records.append(record)
    return records, damaged


class Journal:
    """Appends to a file. step: milliseconds between two records."""

    def __init__(self, path, time=START, step=1000):
        self.path, self.time, self.step = Path(path), time, step
        self.runs = self.number = 0
        self.path.touch()

    def add(self, kind, later=None, **fields):
        if kind == "run":
            self.runs, self.number = self.runs + 1, 0
        self.number += 1
        self.time += self.step if later is None else later
        self.raw(line_of(Record(f"{self.runs:016x}", self.number, self.time, kind, fields)))
        return self

    def raw(self, data):
        with self.path.open("ab") as file:
            file.write(data)
        return self
