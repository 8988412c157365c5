#!/usr/bin/env python3
"""The golden vectors of responses and decisions.

Each vector is a pair of files: NAME.json, one line of JSON as `paytriage classify` reads or prints
it, and NAME.msgpack, the same value on the wire. The committed bytes are the truth; this script
writes the bytes of a new vector from its JSON, and with --check it decodes every vector by
msgpack's Python library and compares the two files. `raw` is the one key whose JSON is base64.
"""
import base64
import json
import pathlib
import sys

FOLDERS = ("response", "decision")
HERE = pathlib.Path(__file__).resolve().parent


def read_json(path):
    value = json.loads(path.read_text(encoding="utf-8"))
    if path.parent.name == "decision" and "raw" in value:
        value["raw"] = base64.b64decode(value["raw"], validate=True)
    return value


def same(left, right):
    """Equal in value, type and order of keys; Python's == knows neither 1 from True nor order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def check(path, msgpack):
    packed = path.with_suffix(".msgpack").read_bytes()
    value = read_json(path)
    if not same(msgpack.unpackb(packed, raw=False, strict_map_key=False), value):
        return "the bytes say something else than the JSON"
    if msgpack.packb(value, use_bin_type=True) != packed:
        return "the bytes are not in their smallest form"
    return None


def main():
    try:
        import msgpack
    except ImportError:
        print("python3-msgpack is not installed: skipped")
        return 77
    paths = [path for folder in FOLDERS for path in sorted((HERE / folder).glob("*.json"))]
    if sys.argv[1:] != ["--check"]:
        for path in paths:
            path.with_suffix(".msgpack").write_bytes(msgpack.packb(read_json(path), use_bin_type=True))
        return 0
    faults = [(path, fault) for path in paths if (fault := check(path, msgpack))]
    for path, fault in faults:
        print(f"{path.name}: {fault}")
    strays = [path for folder in FOLDERS for path in (HERE / folder).glob("*.msgpack")
              if not path.with_suffix(".json").exists()]
    for path in strays:
        print(f"{path.name}: has no JSON beside it")
    print(f"{len(paths)} vectors checked")
    return 1 if faults or strays or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
