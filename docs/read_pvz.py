#!/usr/bin/env python3
"""Reads a procviz recording; docs/FORMAT.md describes the format.

Needs the module `zstandard`. Run as a program, prints one line of JSON per sample:
read_pvz.py FILE.pvz
"""

import json
import struct
import sys

import zstandard

MOST = 32 << 20
TEXTS, TASKS, SAMPLES, FOUND, READINGS, MEMORIES, FOLDS, KINDS = 1, 2, 10, 11, 12, 13, 14, 15
EVENTS = {20: "nothing", 21: "fork", 22: "exec", 23: "rename", 24: "thread_end",
          25: "process_end", 26: "reaped", 27: "parent", 28: "args", 29: "state", 30: "cgroup",
          31: "name", 32: "waits",
          33: "open on"}


def crc32c(data, table=[]):
    if not table:
        for value in range(256):
            for _ in range(8):
                value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
            table.append(value)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def signed(value):
    return value >> 1 ^ -(value & 1)


def blocks(file):
    """Yields kind and payload of each valid block; damaged blocks are left out."""
    data = file.read()
    if data[:8] != b"procviz\n" or data[8:10] != b"\1\0":
        raise ValueError("not a procviz recording of version 1")
    at = 16
    while (at := data.find(b"PVZB", at)) >= 0 and at + 36 <= len(data):
        kind, packed, unpacked, _, _, crc = struct.unpack_from("<B3xIIQQI", data, at + 4)
        payload = data[at + 36:at + 36 + packed]
        if max(packed, unpacked) > MOST or crc32c(data[at:at + 32] + payload) != crc:
            at += 1
            continue
        at += 36 + packed
        yield kind, zstandard.ZstdDecompressor().decompress(payload, max_output_size=MOST)


def tables(payload):
    """Returns the tables of a payload by number, each as a list of rows."""
    found, raw, at = {}, {}, 0
    while at < len(payload):
        number, at = payload[at], at + 1
        rows, at = varint(payload, at)
        columns, at = varint(payload, at)
        raw[number] = rows, []
        for _ in range(columns):
            coding, at = payload[at], at + 1
            length, at = varint(payload, at)
            raw[number][1].append((coding, payload[at:at + length]))
            at += length
    texts, tasks = [], []
    for number, (rows, columns) in raw.items():
        decoded = [column(coding, data, rows, texts, tasks) for coding, data in columns]
        found[number] = [list(row) for row in zip(*decoded)]
        if number == TEXTS:
            texts.extend(row[0] for row in found[number])
        elif number == TASKS:
            tasks.extend(tuple(row) for row in found[number])
    return found


def column(coding, data, rows, texts, tasks):
    values, at, last = [], 0, 0
    for _ in range(rows):
        value, at = varint(data, at)
        if coding == 1:
            value = value - 1 if value else None
        elif coding in (2, 6):
            value = last = last + signed(value) & (1 << 64) - 1
            value = tasks[value] if coding == 6 else value
        elif coding == 3:
            value = texts[value - 1].decode("utf-8", "backslashreplace") if value else None
        elif coding == 4:
            value = tasks[value]
        elif coding == 5:
            value, at = data[at:at + value], at + value
        values.append(value)
    return values


def samples(file):
    """Yields the facts, then each sample as a dict, and last the events that no sample follows."""
    ended = []
    for kind, payload in blocks(file):
        if kind == 1:
            yield json.loads(payload)
        elif kind in (2, 8):
            here = {number: iter(rows) for number, rows in tables(payload).items()}
            take = lambda number, count: [next(here[number]) for _ in range(count)]
            for row in here.get(SAMPLES, []):
                kinds = take(KINDS, row[7])
                events = ended + [[EVENTS.get(of), *next(here[of])] for of, in kinds]
                ended = events if kind == 8 else []
                if kind == 8:
                    continue
                yield {
                    "boot_ns": row[0], "interval_ns": row[1],
                    "boot_wall_ns": None if row[2] is None else signed(row[2]),
                    "kernel_events": bool(row[3] & 1), "everybody": bool(row[3] & 2),
                    "events_seen": row[4], "own_cpu_ns": row[5],
                    "lost": row[11:18], "machine": row[18:],
                    "found": take(FOUND, row[6]),
                    "events": events,
                    "folds": take(FOLDS, row[8]),
                    "readings": take(READINGS, row[9]), "memories": take(MEMORIES, row[10]),
                }
    if ended:
        yield {"events": ended}


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as recording:
        for sample in samples(recording):
            print(json.dumps(sample))
