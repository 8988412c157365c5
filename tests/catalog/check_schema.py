"""catalog/schema.json: it takes every gateway's file, refuses common mistakes, and knows the compiler's keys.

Exit 77 (skipped) without python3-yaml or python3-jsonschema, after the part that needs neither.
"""

import json
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((SOURCE / "catalog/schema.json").read_text(encoding="utf-8"))


def names(value):
    """All names of properties in a schema."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "properties":
                yield from inner
            yield from names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names(inner)


def check_keys():
    keys = set()
    for path in (SOURCE / "catalog").rglob("pt_compile*.c"):
        keys |= set(re.findall(r'\{"(\w+)", (?:s_|pt_)\w+, (?:true|false)\}', path.read_text()))
    assert len(keys) > 45, "the compiler's keys were not found"
    assert keys == set(names(SCHEMA)), f"keys differ: {sorted(keys ^ set(names(SCHEMA)))}"


def check_words():
    model = (SOURCE / "proto/pt_model.h").read_text()
    entry = SCHEMA["$defs"]["entry"]["properties"]
    for name in ("category", "outcome", "action"):
        words = re.findall(rf"(?m)^    PT_{name.upper()}_([A-Z_]+),", model)
        assert [word.lower() for word in words if not word.endswith("COUNT_")] == entry[name]["enum"], name


GOOD = """
gateway: {id: acme, name: Acme, cite: doc.txt}
body: {codes: [{code: code}]}
operations: [{name: pay, kind: money}]
entries:
  - {code: "05", category: decline_soft, outcome: declined, action: none, summary: No., cite: 7}
"""

#  One replacement each, which the schema must refuse.
BAD = (('"05"', "05"), ('"05"', "NO"), ("code: \"05\", ", ""), ("decline_soft", "decline_sfot"), ("cite: 7", "cite: 0"),
       ("summary: No., ", ""), ("summary", "sumary"), ("kind: money", "kind: cash"), ("id: acme, ", ""),
       ("id: acme", "id: Acme"), ("action: none", "action: none, delays: [30]"),
       ("action: none", "action: none, status: paid"), ("cite: 7", "cite: 7, http: 5xx"),
       ("action: none", "action: none, alert: {audience: [operator]}"),
       ("action: none", "action: none, message: a, trailing_stop: maybe"))


def main():
    check_keys()
    check_words()
    try:
        import jsonschema
        import yaml
    except ImportError as missing:
        print(f"skipped: {missing}")
        return 77
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    files = sorted((SOURCE / "catalog/providers").glob("*.yaml")) + [SOURCE / "tests/catalog/sample.yaml"]
    assert len(files) >= 6
    for path in files:
        for fault in validator.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8"))):
            raise AssertionError(f"{path.name}: {list(fault.path)}: {fault.message}")
    assert validator.is_valid(yaml.safe_load(GOOD))
    for old, new in BAD:
        assert old in GOOD
        assert not validator.is_valid(yaml.safe_load(GOOD.replace(old, new))), f"{old} -> {new} is taken"
    overlay = {"overlay": True, "gateway": {"id": "opn"}, "entries": [{"id": "x", "action": "none"}]}
    assert validator.is_valid(overlay)
    assert validator.is_valid({**overlay, "entries": [{"code": "x", "remove": True}]})
    assert not validator.is_valid({**overlay, "entries": [{"code": "x", "remove": False}]})
    assert not validator.is_valid({**overlay, "entries": [{"action": "none"}]})
    assert not validator.is_valid({**overlay, "gateway": {"id": "opn", "cite": "x"}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
