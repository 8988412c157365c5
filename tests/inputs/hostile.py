"""Bytes that nobody should send. Each class is a name and what it makes of one sound value, the same on every run.

`values(good)` gives class -> CASES encodings of what was a msgpack value; `texts(good)` the same for the text of a file.
"""

import os
import random
import struct

import msgpack

CASES = int(os.environ.get("PAYTRIAGE_CASES", 50))  # of each class; sanitizers take their time
DEEP = (33, 34, 40, 64, 10_000)
HUGE = (1 << 16, 1 << 20, 1 << 24, (1 << 31) - 1, (1 << 32) - 1)
INTEGERS = (-1, 0, -(1 << 63), (1 << 63) - 1, (1 << 64) - 1, 1 << 32, 1 << 53, 600, 99)
NO_NUMBERS = (float("nan"), float("inf"), float("-inf"), 1e308, 0.5, -0.0)
OTHERS = (None, True, 7, -7, 1.5, "text", b"bin", [], [1], {}, {"a": 1}, msgpack.ExtType(5, b"x"))
NO_UTF8 = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok\x80", b"\xe2\x82")


def _raw(value):
    """The encoding of a map or an array whose parts may be encoded already."""
    if isinstance(value, dict):
        return msgpack.Packer().pack_map_header(len(value)) + b"".join(
            _raw(key) + _raw(each) for key, each in value.items())
    if isinstance(value, list):
        return msgpack.Packer().pack_array_header(len(value)) + b"".join(map(_raw, value))
    return value if isinstance(value, Encoded) else msgpack.packb(value)


class Encoded(bytes):
    """Bytes that stand for a value, sound or not."""


def _replaced(good, places, value):
    """`good` with one part replaced: a key of a map, or an index of an array."""
    copy = dict(good) if isinstance(good, dict) else list(good)
    copy[places] = value
    return _raw(copy)


def _places(good):
    return list(good) if isinstance(good, dict) else list(range(len(good)))


def _declared(kind, length):
    """A head that promises `length` and has nothing behind it."""
    return Encoded({"array": b"\xdd", "map": b"\xdf", "str": b"\xdb", "bin": b"\xc6", "ext": b"\xc9"}[kind] +
                   struct.pack(">I", length) + (b"\x01" if kind == "ext" else b""))


def _nested(depth, kind):
    head = b"\x91" if kind else b"\x81\xa1a"
    return Encoded(head * depth + b"\xc0")


def values(good, deep_place):
    """`good` is a map or an array; `deep_place` is where a nested value may stand in it."""
    rng = random.Random(1)
    packed, places = _raw(good), _places(good)

    def cases(make):
        return [make(number, places[number % len(places)]) for number in range(CASES)]

    made = {f"huge {kind}": cases(lambda number, place, kind=kind: _replaced(
        good, place, _declared(kind, HUGE[number % len(HUGE)]))) for kind in ("array", "map", "str", "bin", "ext")}
    made["too deep"] = cases(lambda number, _: _replaced(good, deep_place, _nested(DEEP[number % 5], number % 2)))
    made["trailing bytes"] = cases(lambda number, _: packed + rng.randbytes(1 + number))
    made["truncated"] = cases(lambda number, _: packed[:number * len(packed) // CASES])
    made["no UTF-8"] = cases(lambda number, place: _replaced(
        good, place, Encoded(msgpack.packb(NO_UTF8[number % 6], use_bin_type=False))))
    made["wrong types"] = cases(lambda number, place: _replaced(good, place, OTHERS[number % len(OTHERS)]))
    made["integer extremes"] = cases(lambda number, place: _replaced(good, place, INTEGERS[number % len(INTEGERS)]))
    made["no numbers"] = cases(lambda number, place: _replaced(good, place, NO_NUMBERS[number % 6]))
    made["reserved byte"] = cases(lambda number, place: _replaced(good, place, Encoded(b"\xc1" * (1 + number))))
    made["random bytes"] = cases(lambda number, _: rng.randbytes(1 + 7 * number))
    made["flipped bits"] = cases(lambda number, _: _flip(packed, rng))
    if isinstance(good, dict):
        made["duplicate keys"] = cases(lambda number, place: _twice(good, place))
    else:
        made["wrong lengths"] = cases(lambda number, place: _raw(list(good)[:number % len(good)]) if number % 2 else
                                      _raw(list(good) + [number] * (1 + number)))
    return made


def _flip(packed, rng):
    bent = bytearray(packed)
    for _ in range(1 + rng.randrange(8)):
        bent[rng.randrange(len(bent))] ^= 1 << rng.randrange(8)
    return bytes(bent)


def _twice(good, place):
    return (msgpack.Packer().pack_map_header(len(good) + 1) + _raw(good)[1:] + _raw(place) + _raw(good[place]))


def texts(good):
    """Class -> CASES contents of a file whose sound content is `good`."""
    rng = random.Random(2)

    def cases(make):
        return [make(number) for number in range(CASES)]

    def inserted(piece):
        at = rng.randrange(len(good) + 1)
        return good[:at] + piece + good[at:]

    return {
        "truncated": cases(lambda number: good[:number * len(good) // CASES]),
        "flipped bits": cases(lambda _: _flip(good, rng)),
        "random bytes": cases(lambda number: rng.randbytes(1 + 97 * number)),
        "no UTF-8": cases(lambda number: inserted(NO_UTF8[number % 6])),
        "zero bytes": cases(lambda number: inserted(b"\0" * (1 + number))),
        "a long line": cases(lambda number: inserted(b"x" * (number * 20_000))),
        "deep nesting": cases(lambda number: inserted((b"[" if number % 2 else b'{"a":') * (33 + 200 * number))),
        "huge numbers": cases(lambda number: inserted(b" " + b"9" * (1 + 8 * number) + b"e999 ")),
        "something twice": cases(lambda _: inserted(good)),
        "lines in another order": cases(lambda _: b"\n".join(rng.sample(good.split(b"\n"), len(good.split(b"\n"))))),
    }
