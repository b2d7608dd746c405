"""Makes the seeds of a fuzz target out of the fixtures: seeds.py TARGET FOLDER."""

import json
import struct
import sys
import zlib
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures"


def events():
    """The recorded and written streams: (name of the fixture, its events as pairs of name and payload)."""
    for path in sorted(FIXTURES.glob("streams/*/events.jsonl")):
        found = []
        for line in path.read_text().splitlines():
            for name, payload in json.loads(line).items():
                found.append((name, json.dumps(payload, separators=(",", ":"))))
        yield path.parent.name, found


def frame(name, payload):
    headers = b""
    for header, value in ((":event-type", name), (":message-type", "event")):
        headers += bytes([len(header)]) + header.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    covered = prelude + headers + payload
    return covered + struct.pack(">I", zlib.crc32(covered))


def seeds(target):
    if target == "frames":
        for name, found in events():
            yield name, b"\x10" + b"".join(frame(event, payload.encode()) for event, payload in found)
    elif target == "fold":
        for name, found in events():
            yield name, "\n".join(f"{event}\t{payload}" for event, payload in found).encode()
    elif target == "request":
        for path in sorted(FIXTURES.glob("requests/*/openai.json")):
            yield path.parent.name, path.read_bytes()
    elif target == "classifier":
        for path in sorted(FIXTURES.glob("errors/*.tsv")):
            for number, line in enumerate(path.read_text().splitlines()[1:]):
                _, code, status, text = line.split("\t", 3)
                yield f"{path.stem}-{number}", f"{code}\n{status}\n{text}".encode()
    else:
        sys.exit(f"{target} is no target: frames, fold, request, classifier")


for name, seed in seeds(sys.argv[1]):
    (Path(sys.argv[2]) / name).write_bytes(seed)
