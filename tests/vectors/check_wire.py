#!/usr/bin/python3
"""The wire vectors, read by an implementation that is not ours.

Each wire/NAME.msgpack must hold what wire/NAME.json shows, in exactly the bytes that
python3-msgpack packs, and the payload vectors must have the CRC-32 and the count of their
headers. With --write the .msgpack files are made from the .json files instead.

In a payload's JSON each element is one item: a BATCH carries it as a bin that holds the packed
item, DECISIONS as it is.
"""
import json
import pathlib
import sys
import zlib

try:
    import msgpack
except ImportError:
    print("python3-msgpack is not installed: skipped")
    sys.exit(77)

WIRE = pathlib.Path(__file__).resolve().parent / "wire"
PAYLOADS = {"batch_payload": "batch", "decisions_payload": "decisions"}
CRC_ELEMENT = {"batch": 6, "decisions": 7}
COUNT_ELEMENT = {"batch": 7, "decisions": 5}


def pack(name, value):
    if name == "batch_payload":
        value = [msgpack.packb(item) for item in value]
    return msgpack.packb(value)


def unpack(name, data):
    value = msgpack.unpackb(data, strict_map_key=True)
    if name == "batch_payload":
        value = [msgpack.unpackb(item) for item in value]
    return value


def check_bytes(name, shown):
    data = (WIRE / f"{name}.msgpack").read_bytes()
    faults = []
    if unpack(name, data) != shown:
        faults.append(f"{name}.msgpack does not hold what {name}.json shows")
    if pack(name, shown) != data:
        faults.append(f"{name}.msgpack is not in the smallest form")
    return faults


def check_payload(name, shown):
    header_name = PAYLOADS[name]
    header = json.loads((WIRE / f"{header_name}.json").read_text())
    data = (WIRE / f"{name}.msgpack").read_bytes()
    faults = []
    if header[CRC_ELEMENT[header_name]] != zlib.crc32(data):
        faults.append(f"{header_name}.json has another crc32 than {zlib.crc32(data)} of {name}.msgpack")
    if header[COUNT_ELEMENT[header_name]] != len(shown):
        faults.append(f"{header_name}.json has another count than {name}.json")
    return faults


def main():
    names = sorted(path.stem for path in WIRE.glob("*.json"))
    packed = sorted(path.stem for path in WIRE.glob("*.msgpack"))
    shown = {name: json.loads((WIRE / f"{name}.json").read_text()) for name in names}
    if sys.argv[1:] == ["--write"]:
        for name in names:
            (WIRE / f"{name}.msgpack").write_bytes(pack(name, shown[name]))
        packed = names
    faults = [] if names and names == packed else ["the .json and .msgpack files do not pair up"]
    for name in set(names) & set(packed):
        faults += check_bytes(name, shown[name])
        if name in PAYLOADS:
            faults += check_payload(name, shown[name])
    for fault in sorted(faults):
        print(fault, file=sys.stderr)
    print(f"{len(names)} vectors, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
