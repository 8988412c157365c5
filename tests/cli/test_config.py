"""paytriage.yml, the environment and flags: what holds, where it comes from, and what is wrong with it."""

import json
import pathlib
import tempfile
import unittest

import support

FAULTY = """version: 1
prot_base: 5560
worker: {threads: 300, windw: 64}
journal:
  size: 1X
  settled: yes
  size: 3G
  replay: localhost
publish: [a]
drain_timeout: 5
color: red
"""


class Config(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "paytriage.yml"

    def run_with(self, *args, **environment):
        kept = {**support.os.environ, "PAYTRIAGE_CONFIG": str(self.file), **environment}
        return support.run(*args, env=kept)

    def test_all_faults_come_at_once_with_their_places(self):
        self.file.write_text(FAULTY)
        code, stdout, words = self.run_with("config", "check")
        self.assertEqual((code, stdout), (78, ""))
        places = [line.split(": error: ")[0][len(str(self.file)) + 1:] for line in words.splitlines()[:-1]]
        self.assertEqual(places, ["2:1", "3:19", "3:24", "5:9", "6:12", "7:3", "8:11", "9:10", "10:16", "11:8"])
        self.assertIn("did you mean 'port_base'?", words)
        self.assertIn("did you mean 'window'?", words)
        self.assertEqual(words.splitlines()[-1], "10 errors")
        for line in words.splitlines()[:-1]:
            fault = line[-7:-1]
            self.assertEqual(support.run("explain", fault)[0], 0, fault)

    def test_what_a_daemon_would_refuse_is_said_by_the_check_and_all_at_once(self):
        for text, words in (("bind: 0.0.0.0\n", ["tcp://0.0.0.0:5560 is open to other machines"]),
                            ("journal: {replay: 'tcp://10.0.0.1:5574'}\n", ["tcp://10.0.0.1:5574 is open"]),
                            ("broker: {front: 'udp://127.0.0.1:5560'}\n", ["neither tcp:// nor ipc://"]),
                            ("http: nowhere\n", ["http: 'nowhere' is not an endpoint"]),
                            ("http: 'tcp://10.0.0.1:5580'\n", ["tcp://10.0.0.1:5580 shows metrics"]),
                            ("control: here\n", ["'here' is not an ipc endpoint"]),
                            ("curve: /nowhere\ncontrol: here\n", ["/nowhere: No such", "'here'"]),
                            ("catalog: [/nowhere]\nbind: 0.0.0.0\n", ["/nowhere", "tcp://0.0.0.0:5560"])):
            self.file.write_text(text)
            code, stdout, said = self.run_with("config", "check")
            self.assertEqual((code, stdout), (66 if "catalog" in text else 78, ""), text)
            for word in words:
                self.assertIn(word, said, text)
            self.assertNotEqual(self.run_with("run", "--journal", "none")[0], 0, text)

    def test_public_addresses_are_good_where_the_settings_allow_them(self):
        self.file.write_text("bind: 0.0.0.0\ninsecure_public_bind: true\nhttp: 'tcp://0.0.0.0:5580'\ncontrol: none\n")
        self.assertEqual(self.run_with("config", "check")[0], 0)
        self.assertEqual(support.run("keygen", str(self.folder / "curve"))[0], 0)
        self.file.write_text(f"bind: 0.0.0.0\ncurve: {self.folder / 'curve'}\nhttp: none\n")
        self.assertEqual(self.run_with("config", "check")[0], 0)

    def test_no_command_starts_with_a_faulty_file(self):
        self.file.write_text(FAULTY)
        for command in ("run", "broker", "worker", "demo", "send", "tail", "classify", "explain"):
            words = ["opn", "x"] if command == "explain" else []
            self.assertEqual(self.run_with(command, *words)[0], 78, command)
        self.assertEqual(self.run_with("journal", "info")[0], 78)
        self.assertEqual(self.run_with("version")[0], 0)

    def test_a_named_file_that_is_not_there_is_an_error(self):
        code, _, words = self.run_with("config", "show")
        self.assertEqual(code, 66)
        self.assertIn(str(self.file), words)
        self.assertEqual(self.run_with("explain", "opn", "insufficient_fund", "--config", "none")[0], 0)

    def test_show_tells_where_each_value_comes_from(self):
        self.file.write_text("port_base: 6000\njournal:\n  size: 8M\n  dir: /tmp\n")
        code, stdout, words = self.run_with("config", "show", "--origin", "--window", "5", PAYTRIAGE_JOURNAL="none",
                                            PAYTRIAGE_THREADS="3")
        self.assertEqual((code, words), (0, ""))
        for line in (f"port_base: 6000  # {self.file}:1:12", f"journal.size: 8M  # {self.file}:3:9",
                     "journal.dir: none  # PAYTRIAGE_JOURNAL", "worker.window: 5  # --window",
                     "worker.threads: 3  # PAYTRIAGE_THREADS", "bind: 127.0.0.1  # default"):
            self.assertIn(line, stdout.splitlines())

    def test_a_mistyped_variable_is_said(self):
        code, _, words = self.run_with("config", "check", PAYTRIAGE_CONFIG="none", PAYTRIAGE_THREDS="3")
        self.assertEqual(code, 0)
        self.assertIn("did you mean PAYTRIAGE_THREADS?", words)

    def test_a_faulty_variable_is_said_without_a_place_that_it_has_not(self):
        self.file.write_text("port_base: 05560\n")
        code, _, words = self.run_with("config", "check", PAYTRIAGE_THREADS="many")
        self.assertEqual((code, words.splitlines()[-1]), (78, "2 errors"))
        self.assertIn(f"{self.file}:1:12: error: port_base: '05560' is not a whole number", words)
        self.assertIn("\nenvironment: error: PAYTRIAGE_THREADS: 'many' is not", words)

    def test_the_defaults_are_a_file_that_changes_nothing(self):
        for args in ((), ("--comment",)):
            self.file.write_text(support.run("config", "defaults", *args)[1])
            self.assertEqual(self.run_with("config", "check")[0], 0)
            kept = {**support.os.environ, "PAYTRIAGE_CONFIG": "none"}
            self.assertEqual(self.run_with("config", "show")[1], support.run("config", "show", env=kept)[1])

    def test_every_key_of_the_schema_is_taken_from_the_file(self):
        schema = json.loads(support.run("config", "schema")[1])
        defaults = support.run("config", "defaults")[1]
        for name, about in schema["properties"].items():
            self.assertIn(f"{name}:", defaults)
            for inner in about.get("properties", {}):
                self.assertRegex(defaults, rf"(?m)^  #?{inner}: ")
        try:
            import jsonschema
            import yaml
        except ImportError:
            self.skipTest("python3-jsonschema and python3-yaml are not here")
        validator = jsonschema.Draft202012Validator(schema)
        self.assertEqual(list(validator.iter_errors(yaml.safe_load(defaults))), [])
        self.assertGreater(len(list(validator.iter_errors(yaml.safe_load(FAULTY)))), 5)

    def test_check_reads_the_catalogs_too(self):
        (self.folder / "mine.yaml").write_text("gateway: {}\n")
        self.file.write_text(f"catalog: {self.folder}/mine.yaml\n")
        code, _, words = self.run_with("config", "check")
        self.assertEqual(code, 78)
        self.assertIn("mine.yaml:", words)

    def test_check_takes_its_file_by_either_name_but_not_two(self):
        self.file.write_text("port_base: 6000\n")
        for args in ([str(self.file)], ["--config", str(self.file)], [f"--config={self.file}"], ["-c", str(self.file)]):
            code, stdout, words = support.run("config", "check", *args)
            self.assertEqual((code, words), (0, ""), args)
            self.assertEqual(stdout, f"{self.file}: good, 2 settings given\n")  # with PAYTRIAGE_JOURNAL
        self.assertEqual(support.run("config", "check", "--config", str(self.file), str(self.file))[0], 64)
        self.assertEqual(support.run("config", "check", "--config", str(self.folder / "none.yml"))[0], 66)
        self.assertEqual(support.run("config", "check", "--config", "none")[0], 0)

    def test_a_daemon_and_its_clients_meet_where_the_file_says(self):
        address = support.address()
        self.file.write_text(f"bind: {address}\nport_base: 6700\nclient:\n  host: {address}\njournal:\n  dir: none\n")
        kept = {**support.os.environ, "PAYTRIAGE_CONFIG": str(self.file)}
        kept.pop("PAYTRIAGE_JOURNAL")
        with support.Daemon("run", env=kept) as daemon:
            self.assertIn(f"tcp://{address}:6700", daemon.text)
            code, _, words = self.run_with("send", PAYTRIAGE_JOURNAL="none")
            self.assertEqual(code, 0, words)
            self.assertEqual(support.run("send", data=b'{"provider": "opn"}\n', env=kept)[0], 0)
            self.assertEqual(daemon.stop(), 0)

    def test_verbs(self):
        self.assertEqual(support.run("config", "--help")[0], 0)
        self.assertIn("did you mean 'paytriage config check'?", support.run("config", "chek")[2])
        self.assertEqual(support.run("config")[0], 64)


if __name__ == "__main__":
    support.main()
