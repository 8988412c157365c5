"""paytriage catalog: lint, compile, show and stats, and --catalog where decisions are made."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import support

ACME = """\
gateway: {id: acme, name: Acme Pay, aliases: [acmepay], cite: acme.txt}
body: {codes: [{code: code, message: message}], status: [status], fields: errors}
operations: [{name: pay, kind: money}, {name: ask, kind: read, aliases: [inquiry]}]
policies: {slow: {delays: [1m, 5m], max_attempts: 3}}
field_codes: {"MISSING": {summary: "The field is missing.", cite: 9}}
entries:
  - {code: "05", also: ["5"], category: decline_hard, outcome: declined, action: change_instrument,
     summary: "The issuer refused.", cite: 3}
  - {code: "91", category: provider_unavailable, outcome: not_executed, action: resubmit, policy: slow,
     summary: "The issuer is down.", cite: 4}
  - {status: "paid", category: accepted, outcome: success, action: none, summary: "Paid.", cite: 5}
"""

OVERLAY = """\
overlay: true
gateway: {id: opn}
policies: {ours: {delays: [7s], max_attempts: 3}}
entries:
  - id: insufficient_fund
    action: resubmit
    policy: ours
  - {code: "ours_1", category: decline_soft, outcome: declined, action: change_instrument,
     summary: "One of ours.", cite: "https://example.com/codes"}
"""

ANSWER = {"id": "a", "provider": "opn", "operation": "charge", "http_status": 200,
          "body": {"object": "charge", "status": "failed", "failure_code": "insufficient_fund"}}


class Catalogs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.acme = self.write("acme.yaml", ACME)
        self.overlay = self.write("over.yaml", OVERLAY)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def catalog(self, *args, code=0):
        """Run a verb; its output, and its words where it must fail."""
        result, stdout, stderr = support.run("catalog", *args)
        self.assertEqual(result, code, f"{args}: {stdout}{stderr}")
        return stdout, stderr

    def decide(self, response, *args):
        code, stdout, stderr = support.run("classify", *args, data=support.lines_of([response]))
        self.assertEqual(code, 0, stderr)
        return support.json_lines(stdout)[0]


class Lint(Catalogs):
    def test_good_files_are_passed_in_silence(self):
        for args in ([], [self.acme], [self.overlay], [self.acme, self.overlay], [str(self.folder)],
                     ["--no-builtin", self.acme], [str(support.SOURCE / "catalog/providers")]):
            self.assertEqual(self.catalog("lint", *args), ("", ""), args)

    def test_all_faults_are_shown_with_their_places(self):
        rows = "".join(f"  - {{code: {number}, smmary: x}}\n" for number in range(100))
        bad = self.write("bad.yaml", "gateway: {id: bad, nam: Bad}\nentries:\n" + rows)
        stdout, _ = self.catalog("lint", bad, code=1)
        lines = stdout.splitlines()
        self.assertGreater(len(lines), 500)
        for line in lines[:-1]:
            self.assertRegex(line, rf"^{re.escape(bad)}:\d+:\d+: error: .+ \[PT1\d\d\d\]$")
        self.assertIn(f"{bad}:1:20: error: unknown key 'nam' in gateway; did you mean 'name'? [PT1010]", lines)
        self.assertRegex(lines[-1], rf"^{len(lines) - 1} errors$")

    def test_faults_as_json(self):
        bad = self.write("bad.yaml", "gateway: {id: bad, nam: Bad}\nentries: []\n")
        answer = support.json_lines(self.catalog("lint", "--format", "json", bad, code=1)[0])[0]
        self.assertEqual(answer["errors"], len(answer["faults"]))
        self.assertEqual(answer["faults"][0]["file"], bad)
        self.assertEqual(answer["faults"][0]["id"][:2], "PT")
        empty = support.json_lines(self.catalog("lint", "--format", "json", self.acme)[0])[0]
        self.assertEqual(empty, {"faults": [], "errors": 0, "warnings": 0})

    def test_warnings_fail_only_when_they_are_denied(self):
        row = '  - {code: "06", category: state_conflict, outcome: not_executed, action: none, summary: s, cite: 1}\n'
        doubtful = self.write("doubtful.yaml", ACME + row)
        stdout, _ = self.catalog("lint", doubtful)
        self.assertRegex(stdout, r"warning: .* \[PT1120\]\n1 warning\n$")
        self.catalog("lint", "--deny-warnings", doubtful, code=1)

    def warnings(self, text):
        path = self.write("doubtful.yaml", text)
        stdout, _ = self.catalog("lint", path)
        return re.findall(r":(\d+):\d+: warning: (.*) \[(PT\d{4})\]", stdout)

    def test_entries_that_nothing_leads_to(self):
        row = '  - {code: "06", slug: said, message: "Said", category: decline_soft, outcome: declined, action: none,\n' \
              '     summary: s, cite: 1}\n'
        other = '  - {code: "06", category: decline_hard, outcome: declined, action: none, summary: s, cite: 1}\n'
        self.assertEqual(self.warnings(ACME + row + other), [])
        found = self.warnings(ACME.replace(", message: message", "") + row + other)
        self.assertEqual([(line, fault) for line, _, fault in found], [("12", "PT1130")])
        self.assertIn("no place for messages", found[0][1])

    def test_templates_that_overlap(self):
        rows = "".join(f'  - {{code: "06", slug: {slug}, message: "{message}", category: {category}, '
                       f'outcome: declined, action: none, summary: s, cite: 1}}\n' for slug, message, category in
                       (("order", "Order {id}", "decline_soft"), ("failed", "{what} failed", "decline_hard"),
                        ("one", "Order {id} failed today", "decline_hard")))
        other = '  - {code: "06", category: decline_hard, outcome: declined, action: none, summary: s, cite: 1}\n'
        found = self.warnings(ACME + rows + other)
        self.assertEqual([(line, fault) for line, _, fault in found], [("13", "PT1131")])
        self.assertIn("acme/06/order at line 12", found[0][1])
        self.assertEqual(self.warnings(ACME + rows.replace("decline_hard", "decline_soft") + other), [])

    def test_schedules_without_an_end_in_sight(self):
        self.assertEqual([fault for _, _, fault in self.warnings(ACME.replace("max_attempts: 3", "deadline: 8d"))],
                         ["PT1121"])
        self.assertEqual([fault for _, _, fault in self.warnings(ACME.replace("max_attempts: 3", "max_attempts: 101"))],
                         ["PT1121"])
        self.assertEqual(self.warnings(ACME.replace("max_attempts: 3", "max_attempts: 100, deadline: 7d")), [])

    def test_each_id_is_explained(self):
        table = (support.SOURCE / "catalog/compiler/pt_fault.c").read_text()
        ids = set(re.findall(r'"(PT\d{4})"', table))
        used = set()
        for path in (support.SOURCE / "catalog").rglob("*.c"):
            used |= set(re.findall(r'"(PT\d{4})"', path.read_text()))
        self.assertGreater(len(ids), 45)
        self.assertEqual(used - ids, set())
        for fault in sorted(ids):
            code, stdout, _ = support.run("explain", fault)
            self.assertEqual(code, 0)
            self.assertRegex(stdout, rf"^{fault}\n  Means     .{{10,}}\n  Do        .{{10,}}\n$")
        self.assertEqual(support.run("explain", "PT9999")[0], 1)

    def test_what_cannot_be_read(self):
        self.catalog("lint", str(self.folder / "nowhere.yaml"), code=66)
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertIn("without *.yaml", self.catalog("lint", str(empty), code=66)[1])
        self.catalog("lint", "--format", "xml", self.acme, code=64)


class Compile(Catalogs):
    def test_an_image_is_the_same_catalog_as_its_sources(self):
        image = str(self.folder / "catalog.ptc")
        words = self.catalog("compile", self.acme, self.overlay, "-o", image)[1]
        decided = self.decide(ANSWER, "--catalog", image)
        self.assertIn(decided["catalog"], words)
        beside = self.decide(ANSWER, "--catalog", self.acme, "--catalog", self.overlay)
        for volatile in ("decided_ms", "retry"):
            decided.pop(volatile), beside.pop(volatile)
        self.assertEqual(decided, beside)
        self.assertEqual(os.listdir(self.folder).count("catalog.ptc"), 1)
        self.assertEqual(len(os.listdir(self.folder)), 3, "something was left beside the image")

    def test_without_paths_it_is_the_built_in_catalog(self):
        image = str(self.folder / "catalog.ptc")
        words = self.catalog("compile", "-o", image)[1]
        self.assertIn(re.search(r"(?m)^catalog +(\w+)", support.run("version")[1])[1], words)

    def test_a_faulty_source_leaves_the_image_alone(self):
        image = self.folder / "catalog.ptc"
        image.write_bytes(b"old")
        bad = self.write("bad.yaml", "gateway: {id: bad}\nentries: []\n")
        self.assertIn("[PT1012]", self.catalog("compile", bad, "-o", str(image), code=1)[1])
        self.assertEqual(image.read_bytes(), b"old")
        self.catalog("compile", self.acme, "-o", str(self.folder / "no/such/place"), code=73)
        self.catalog("compile", self.acme, code=64)

    def test_a_full_disk_leaves_nothing(self):
        image = str(self.folder / "catalog.ptc")
        done = subprocess.run(["sh", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" catalog compile -o \"$1\"",
                               support.PROGRAM, image], capture_output=True, check=False)
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["acme.yaml", "over.yaml"])

    def test_damaged_images_are_refused(self):
        image = self.folder / "catalog.ptc"
        self.catalog("compile", "-o", str(image))
        whole = image.read_bytes()
        for damaged in (whole[:-1], whole + b"x", whole[:300] + b"\xff" + whole[301:], whole[:8]):
            image.write_bytes(damaged)
            for command in (["classify"], ["explain", "opn", "x"], ["worker"], ["run"]):
                code, stdout, words = support.run(*command, "--catalog", str(image))
                self.assertEqual((code, stdout), (78, ""), words)
                self.assertIn("refused", words)
        self.catalog("lint", str(image), code=78)
        image.write_bytes(whole)
        self.assertIn("stands alone", self.catalog("show", str(image), self.acme, code=78)[1])


class Show(Catalogs):
    def show(self, *args):
        return support.json_lines(self.catalog("show", *args, "-o", "jsonl")[0])

    def test_every_built_in_entry_has_an_origin_that_holds_it(self):
        files = {f"builtin/{path.name}": path.read_text(encoding="utf-8").splitlines()
                 for path in (support.SOURCE / "catalog/providers").glob("*.yaml")}
        entries = self.show("--origin")
        self.assertEqual(len(entries), len(self.show()))
        for entry in entries:
            for key in ("category", "action", "outcome"):
                name, line = entry["origin"][key].rsplit(":", 1)
                self.assertIn(entry[key], files[name][int(line) - 1])

    def test_an_overlay_shows_beside_what_it_changes(self):
        entry, = self.show(self.overlay, "--provider", "opn", "--code", "insufficient_fund", "--origin")
        self.assertEqual(entry["action"], "resubmit")
        self.assertEqual(entry["origin"]["action"], f"{self.overlay}:6")
        self.assertEqual(entry["origin"]["delays"], f"{self.overlay}:3 policy ours")
        self.assertEqual(entry["origin"]["category"].split(":")[0], "builtin/opn.yaml")
        self.assertEqual((entry["delays_ms"], entry["max_attempts"]), ([7000], 3))
        text = self.catalog("show", self.overlay, "--code", "insufficient_fund", "--origin")[0]
        self.assertIn(f"  action          resubmit  [{self.overlay}:6]\n", text)
        self.assertIn(f"  delays          7s  [{self.overlay}:3 policy ours]\n", text)
        self.assertIn("  deadline        60m 0s  [default]\n", text)

    def test_images_show_the_same_without_origins(self):
        image = str(self.folder / "catalog.ptc")
        self.catalog("compile", self.acme, "-o", image)
        self.assertEqual(self.show(image), self.show(self.acme))
        self.assertIn("YAML", self.catalog("show", image, "--origin", code=78)[1])

    def test_further_codes_find_their_entry(self):
        entry, = self.show(self.acme, "--provider", "acmepay", "--code", "5")
        self.assertEqual(entry["id"], "acme/05")

    def test_nothing_to_show_is_an_honest_no(self):
        self.catalog("show", "--provider", "nobody", code=1)
        self.catalog("show", "--code", "no-such-code", code=1)

    def test_stats_add_up(self):
        lines = support.json_lines(self.catalog("stats", self.acme, "-o", "jsonl")[0])
        total = lines.pop()
        self.assertEqual([line["provider"] for line in lines if line["entries"] == 3], ["acme"])
        for key in ("entries", "code", "status", "http", "messages", "alerts", "judged"):
            self.assertEqual(sum(line[key] for line in lines), total[key])
        self.assertEqual(sum(total["actions"].values()), total["entries"])
        self.assertIn("acme ", self.catalog("stats", self.acme)[0])


class Use(Catalogs):
    def test_classify_takes_new_gateways_and_overlays(self):
        answer = {"provider": "acmepay", "operation": "ask", "body": {"code": "91"}}
        self.assertEqual(self.decide(answer)["match"], "unknown")
        decided = self.decide(answer, "--catalog", str(self.folder))
        self.assertEqual((decided["entry"], decided["retry"]["max_attempts"]), ("acme/91", 3))
        self.assertEqual(self.decide(ANSWER)["action"], "change_instrument")
        decided = self.decide(ANSWER, "--catalog", str(self.folder))
        self.assertEqual((decided["action"], decided["retry"]["max_attempts"]), ("resubmit", 3))

    def test_a_whole_file_replaces_a_built_in_gateway(self):
        own = self.write("opn.yaml", ACME.replace("id: acme,", "id: opn,").replace(", aliases: [acmepay]", ""))
        self.assertEqual(self.decide(ANSWER, "--catalog", own)["match"], "unknown")
        self.assertEqual(len(self.catalog("show", own, "--provider", "opn")[0].splitlines()), 3)

    def test_explain_answers_from_it(self):
        code, stdout, _ = support.run("explain", "opn", "ours_1", "--catalog", self.overlay)
        self.assertEqual(code, 0)
        self.assertIn("One of ours.", stdout)
        code, stdout, _ = support.run("explain", "acme", "MISSING", "--catalog", self.acme)
        self.assertEqual(code, 0)
        self.assertIn("The field is missing.", stdout)

    def test_run_decides_by_it(self):
        with support.Daemon("run", "--bind", support.address(), "--catalog", str(self.folder)) as daemon:
            front = re.search(r"(?m)^front +(\S+)", daemon.text)[1]
            queue = re.search(r"(?m)^retry +(\S+)", daemon.text)[1]
            with support.Tail("--route", "retry", "--connect", queue) as tail:
                support.warm_up(front, [tail])
                support.send(front, [ANSWER])
                decided = tail.get()
                while decided["id"] != "a":
                    decided = tail.get()
            self.assertEqual(decided["action"], "resubmit")
            self.assertIn(decided["catalog"], daemon.text)
            self.assertEqual(daemon.stop(), 0)

    def test_faulty_yaml_starts_nothing(self):
        bad = self.write("bad.yaml", "gateway: {id: bad, nam: Bad}\nentries: []\n")
        for command in (["classify"], ["explain", "opn", "x"], ["worker"], ["run"]):
            code, stdout, words = support.run(*command, "--catalog", bad)
            self.assertEqual((code, stdout), (78, ""), command)
            self.assertIn("[PT1010]", words)


class Search(unittest.TestCase):
    def search(self, *args, code=0):
        result, stdout, words = support.run("explain", "-o", "jsonl", "--search", *args)
        self.assertEqual(result, code, words)
        return [answer["entry"] for answer in support.json_lines(stdout)]

    def test_one_typo_a_word_is_forgiven(self):
        right = self.search("insufficient fund")
        self.assertEqual(right[0], "opn/insufficient_fund")
        self.assertIn("opn/insufficient_fund", self.search("insuficient fnud"))
        self.assertEqual(self.search("nsfficient", code=1), [])

    def test_codes_messages_and_summaries_are_searched_within_a_gateway(self):
        self.assertIn("smilepayz/5009000/order-number-failed", self.search("generate order NUMBER", "smilepayz"))
        self.assertTrue(all(entry.startswith("uapay/") for entry in self.search("deal", "uapay")))
        self.assertEqual(self.search("generate order number", "opn", code=1), [])

    def test_odd_words(self):
        self.assertEqual(support.run("explain", "--search", " .,")[0], 64)
        self.search("x" * 5000, code=1)
        self.search("a b c d e f g h i j k l m n o p q r s t", code=64)


class Fields(unittest.TestCase):
    def test_codes_of_fields_are_explained(self):
        yaml = (support.SOURCE / "catalog/providers/uapay.yaml").read_text(encoding="utf-8")
        codes = re.findall(r'(?m)^  "(\w+)": \{summary: "([^"]+)"', yaml)
        self.assertGreaterEqual(len(codes), 10)
        for code, summary in codes:
            result, stdout, _ = support.run("explain", "uapay", code)
            self.assertEqual(result, 0)
            self.assertIn(summary, stdout)


class Words(unittest.TestCase):
    def test_help_and_unknown_verbs(self):
        for verb in ("lint", "compile", "show", "stats"):
            self.assertIn("Exit:", support.run("catalog", verb, "--help")[1])
            self.assertIn(f"  {verb} ", support.run("catalog", "--help")[1])
        self.assertEqual(support.run("catalog")[0], 64)
        code, _, words = support.run("catalog", "lnit")
        self.assertEqual(code, 64)
        self.assertIn("did you mean 'paytriage catalog lint'?", words)


if __name__ == "__main__":
    support.main()
