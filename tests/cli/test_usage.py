"""Help, versions and wrong command lines: the same words and exit codes everywhere."""

import os
import re
import resource
import tempfile
import unittest

import support

COMMANDS = ("demo", "run", "broker", "worker", "send", "tail", "classify", "explain", "keygen", "top")


class Help(unittest.TestCase):
    def test_the_front_page_names_every_command(self):
        for args in (["help"], ["--help"], ["-h"]):
            code, stdout, words = support.run(*args)
            self.assertEqual((code, words), (0, ""))
            self.assertTrue(stdout.startswith("Usage: paytriage COMMAND"))
            for command in COMMANDS + ("version", "help"):
                self.assertRegex(stdout, rf"(?m)^  {command} +\S")

    def test_every_command_has_usage_an_example_and_its_exit_codes(self):
        for command in COMMANDS:
            for args in ([command, "--help"], ["help", command]):
                code, stdout, words = support.run(*args)
                self.assertEqual((code, words), (0, ""), args)
                self.assertTrue(stdout.startswith(f"Usage: paytriage {command} "), stdout)
                examples = re.search(r"(?s)Examples?:\n(.*?)\n\n", stdout)[1].splitlines()
                for example in examples:
                    self.assertRegex(example, rf"^  .*paytriage {command}", "an example is one line")
                self.assertIn("Exit: ", stdout)

    def test_help_fits_a_terminal(self):
        for command in COMMANDS:
            wide = [line for line in support.run(command, "--help")[1].splitlines() if len(line) > 120]
            self.assertEqual(wide, [])

    def test_help_breaks_no_line_before_it_is_full(self):
        def is_prose(line):
            return re.match(r"[^ ]", line) and not re.search(r"\S {2,}\S", line)

        verbs = [("catalog", verb) for verb in ("lint", "compile", "show", "stats", "diff", "test", "learn", "fmt")]
        verbs += [("journal", verb) for verb in ("info", "subscribers", "forget", "list", "show", "export", "verify",
                                                 "redrive", "replay", "discard")]
        verbs += [("config", verb) for verb in ("check", "show", "defaults", "schema")]
        for command in [(command,) for command in COMMANDS + ("check", "ctl")] + verbs:
            _, sep, text = support.run(*command, "--help")[1].partition("\n\n")
            self.assertTrue(sep, command)
            lines = text.splitlines()
            for line, after in zip(lines, lines[1:]):
                if is_prose(line) and is_prose(after) and not line.endswith((".", ":")):
                    self.assertGreater(len(line) + 1 + len(after.split()[0]), 78, (command, line, after))

    def test_versions_of_everything_that_decides(self):
        for args in (["version"], ["--version"], ["-V"]):
            code, stdout, words = support.run(*args)
            self.assertEqual((code, words), (0, ""))
            self.assertRegex(stdout, r"^paytriage \d+\.\d+\.\d+\ncatalog +[0-9a-f]{16}, \d+ entries of 5 gateways\n")
            self.assertIn("libzmq", stdout)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            for args in (["help"], ["version"], ["explain", "opn", "insufficient_fund"],
                         ["classify", "--help"], ["help", "run"], ["journal", "list", "--usage"]):
                self.assertEqual(support.run(*args, stdout=full)[0], 74, args)


    def test_a_file_that_may_not_grow_is_an_error(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        with tempfile.TemporaryDirectory() as folder:
            for args, code in ((("catalog", "compile", str(support.SOURCE / "catalog/providers"), "-o", f"{folder}/x"), 74),
                               (("run", "--bind", support.address(), "--journal", f"{folder}/j"), 73)):
                with self.subTest(args=args):
                    ended, _, words = support.run(*args, preexec_fn=limit)
                    self.assertEqual(ended, code, words)
                    self.assertIn("File too large", words)
            self.assertEqual([name for name in os.listdir(folder) if name.startswith("x")], [])


    def test_a_journal_that_has_no_room_in_memory_names_the_limit(self):
        if support.is_sanitized():
            self.skipTest("a sanitizer takes more than any such limit by itself")

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (1000 << 20, 1000 << 20))

        with tempfile.TemporaryDirectory() as folder:
            code, _, words = support.run("run", "--bind", support.address(), "--journal", f"{folder}/j", preexec_fn=limit)
            self.assertEqual(code, 71, words)
            self.assertRegex(words, "cannot make the journal: Cannot allocate memory\nhint: .*--journal-size.*"
                                    "ulimit -v allows 1000 MiB.*LimitAS=")

    def test_little_memory_is_an_error_and_no_crash(self):
        if support.is_sanitized():
            self.skipTest("a sanitizer takes more than any such limit by itself")
        codes = set()
        for kib in range(18000, 36000, 250):
            def limit(room=kib << 10):
                resource.setrlimit(resource.RLIMIT_AS, (room, room))

            code, _, words = support.run("classify", preexec_fn=limit)
            with self.subTest(kib=kib):
                self.assertIn(code, (0, 71, 127), words)  # 127: the loader finds no room for the libraries
                codes.add(code)
        self.assertLessEqual({0, 71}, codes)

    def test_few_open_files_are_an_error_and_no_crash(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

        with support.Daemon("run", "--bind", support.address(), "--journal", "none"):
            for args in (["send", "/dev/null"], ["tail", "--timeout", "1s"], ["tail", "--durable", "few"],
                         ["top", "--once"], ["ctl", "status"]):
                with self.subTest(args=args):
                    code, stdout, words = support.run(*args, preexec_fn=limit)
                    self.assertEqual((code, stdout), (71, ""), words)
                    self.assertEqual(words, "paytriage: no sockets can be made: too few open files are allowed\n"
                                            "hint: raise it with ulimit -n, or LimitNOFILE= in a unit\n")


class Wrong(unittest.TestCase):
    def refuse(self, *args):
        code, stdout, words = support.run(*args)
        self.assertEqual((code, stdout), (64, ""), f"{args}: {words}")
        self.assertTrue(words.startswith("paytriage"), words)
        return words

    def test_no_command_shows_the_help(self):
        code, stdout, _ = support.run()
        self.assertEqual(code, 64)
        self.assertTrue(stdout.startswith("Usage: paytriage COMMAND"))

    def test_a_mistyped_command_is_guessed(self):
        for typed, meant in (("clasify", "classify"), ("tial", "tail"), ("brokr", "broker"), ("versoin", "version")):
            self.assertIn(f"did you mean 'paytriage {meant}'?", self.refuse(typed))
            self.assertIn(f"did you mean 'paytriage {meant}'?", self.refuse("help", typed))

    def test_a_word_like_no_command_is_not_guessed(self):
        self.assertIn("'paytriage help' lists the commands", self.refuse("juggle"))
        self.assertIn("'paytriage help' lists the commands", self.refuse("x" * 10000))

    def test_an_unknown_option_names_itself_and_the_help(self):
        for command in COMMANDS:
            words = self.refuse(command, "--no-such-option")
            self.assertIn("--no-such-option", words)
            self.assertIn(f"paytriage {command} --help", words)

    def test_numbers_name_option_value_and_range(self):
        cases = (("run", "--port-base", 1024, 65515), ("run", "--threads", 1, 256), ("worker", "--window", 1, 1024),
                 ("worker", "--publish-hwm", 1, 1000000), ("demo", "--threads", 1, 256), ("send", "--batch", 1, 4096),
                 ("send", "--window", 1, 1024), ("tail", "--port-base", 1024, 65515))
        for command, option, least, most in cases:
            for value in (str(least - 1), str(most + 1), "-1", "+5", " 5", "5 ", "0x10", "1e3", "", "five", "9" * 40):
                words = self.refuse(command, option, value)
                self.assertIn(f"{option}: '{value}' is not a whole number from {least} to {most}", words)

    def test_durations_name_option_and_value(self):
        for command, option in (("run", "--drain-timeout"), ("send", "--timeout"), ("tail", "--timeout")):
            for value in ("5", "5x", "-1s", "s", "", "1.5s", "1 s", "400d", "9" * 40 + "s"):
                words = self.refuse(command, option, value)
                self.assertIn(f"{option}: '{value}' is not a duration such as ", words)

    def test_a_wait_of_no_time_is_refused(self):
        for command in (["tail"], ["send"], ["journal", "redrive"]):
            self.assertIn("--timeout: '0s'", self.refuse(*command, "--timeout", "0s"))

    def test_words_that_do_not_belong(self):
        for command in ("run", "broker", "worker", "demo", "top", "config show", "config defaults", "journal info",
                        "journal show topic 1", "ctl status one"):
            self.assertIn("'word' is not expected here\n", self.refuse(*command.split(), "word"))
        self.assertIn("'word'", self.refuse("tail", "word"))
        for option, value in (("--route", "retry,nowhere"), ("--output", "xml"), ("--color", "red"),
                              ("--provider", ""), ("--provider", "opn,"), ("--provider", ",opn"), ("--provider", "opn,,uapay"),
                              ("--provider", ",".join("abcdefghijklmnopqrstuvwxyz")), ("--provider", "x" * 100)):
            self.refuse("tail", option, value)
        for endpoint in ("5560", "tcp://", "tcp://127.0.0.1", "http://127.0.0.1:80", ""):
            self.refuse("send", "--connect", endpoint)
            self.refuse("tail", "--connect", endpoint)

        for words in (["version"], ["--version"], ["help", "run"]):
            self.assertIn("'word'", self.refuse(*words, "word"))

    def test_a_host_is_no_endpoint(self):
        for command, option in (("run", "--bind"), ("broker", "--bind"), ("worker", "--bind"), ("tail", "--host"), ("send", "--host"),
                                ("top", "--host")):
            for value in ("tcp://127.0.0.1:5560", "tcp://127.0.0.1", "127.0.0.1:5560", "example.org:5560", "/run/x", "a b", "a\tb", ""):
                self.assertIn(f"{option}: '{value}' is no address or name of a host", self.refuse(command, option, value))

    def test_who_watches_is_told_that_an_endpoint_is_none(self):
        for value in ("abc", "tcp://", "/run/x", "ipc:///run/x"):
            self.assertIn(f"http: '{value}' is not an endpoint", self.refuse("top", "--once", "--http", value))
            code, stdout, words = support.run("check", "--http", value)
            self.assertEqual((code, stdout), (3, ""), words)
            self.assertIn(f"http: '{value}' is not an endpoint", words)

    def test_a_socket_in_a_folder_that_is_not_there(self):
        for args in (["broker", "--front", "ipc:///nowhere/front"], ["broker", "--back", "ipc:///dev/null/back"],
                     ["worker", "--retry", "ipc:///nowhere/retry"]):
            code, stdout, words = support.run(args[0], "--bind", support.address(), *args[1:])
            self.assertEqual((code, stdout), (73, ""), words)
            self.assertIn("hint: the folder of an ipc:// endpoint has to be there", words)

    def test_an_option_that_another_one_makes_void_is_refused(self):
        elsewhere = ["--connect", "tcp://127.0.0.1:6000"]
        for command in (["send"], ["tail"], ["journal", "redrive"]):
            for option, value in (("--host", "127.0.0.1"), ("--port-base", "6100")):
                self.assertIn(f"{option} is for the default endpoints, but --connect names others",
                              self.refuse(*command, option, value, *elsewhere))
        env = dict(os.environ, PAYTRIAGE_CLIENT_CONNECT="tcp://127.0.0.1:6000")
        code, _, words = support.run("send", "--host", "127.0.0.1", env=env)
        self.assertEqual(code, 64)
        self.assertIn("PAYTRIAGE_CLIENT_CONNECT names others", words)
        self.refuse("ctl", "status", "--all", "--worker", "4")
        self.refuse("catalog", "diff", "builtin", "builtin", "--samples", "3")
        for args in (["--live", "--warn-behind", "5"], ["--warn-behind", "7", "--crit-behind", "6"], ["--warn-journal", "90"]):
            self.assertEqual(support.run("check", *args)[0], 3, args)

    def test_verbs_take_no_option_that_changes_nothing(self):
        for verb, options in (("info", ["--reveal", "--color"]), ("subscribers", ["--reveal", "--color"]),
                              ("verify", ["--reveal", "--color"]), ("show", ["--color"]), ("export", ["--color"]),
                              ("forget", ["--reveal", "--color", "--output"]), ("discard", ["--reveal", "--color", "--output"])):
            for option in options:
                self.assertIn(f"unrecognized option '{option}'", self.refuse("journal", verb, option))

    def test_a_mistyped_word_of_a_filter_is_told_with_the_one_that_was_meant(self):
        self.assertIn("did you mean decline_hard?", self.refuse("journal", "list", "--category", "decline_hrd"))
        self.assertIn("did you mean opn? It has", self.refuse("catalog", "learn", "--provider", "opm", "/dev/null"))
        for args, word in ((["--provider", "opm"], "did you mean opn?"), (["--code", "insuficient_fund"], " insufficient_fund,"),
                           (["--provider", "opn", "--code", "insuficient_fund"], " insufficient_fund,")):
            code, stdout, words = support.run("catalog", "show", *args)
            self.assertEqual((code, stdout), (1, ""))
            self.assertIn(word, words)

    def test_a_gateway_that_another_catalog_may_have_is_listened_for(self):
        code, _, words = support.run("tail", "--host", support.address(), "--timeout", "1ms", "--provider", "opm,acme,omise")
        self.assertEqual(code, 0)
        self.assertEqual(words, "note: there is no built-in gateway 'opm'; did you mean opn?\n")

    def test_more_brokers_than_there_is_room_for(self):
        brokers = [word for number in range(20) for word in ("--connect", f"tcp://127.0.0.1:{6000 + number}")]
        for command in ("send", "worker"):
            self.assertIn("--connect: at most", self.refuse(command, *brokers))
        endpoints = brokers * 2
        self.assertIn("--connect: at most", self.refuse("tail", *endpoints))


if __name__ == "__main__":
    support.main()
