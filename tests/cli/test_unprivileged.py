"""A service that an unprivileged user runs, in folders of its own: it works, and what it makes is for nobody else."""

import json
import os
import pathlib
import pwd
import shutil
import stat
import sys
import tempfile
import unittest

import support

if os.geteuid() != 0:
    print("skipped: only root can become another user")
    sys.exit(support.SKIPPED)

NOBODY = pwd.getpwnam("nobody")
RESPONSE = {"id": "r", "provider": "opn", "http_status": 503}


class Unprivileged(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        #  It may stand where nobody else may go.
        self.program = shutil.copy(support.PROGRAM, self.folder / "paytriage")
        self.data, self.run_dir = (self.make(name) for name in ("data", "run"))
        self.control = f"ipc://{self.run_dir}/orders"
        self.host = support.address()

    def make(self, name):
        path = self.folder / name
        path.mkdir(mode=0o700)
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        return path

    def as_nobody(self):
        """Other options of a process: nobody's, with no group, nothing of root's, and a umask that keeps nothing back."""
        def become():
            support._die_with_parent()
            os.setgroups([])
            os.setresgid(*3 * [NOBODY.pw_gid])
            os.setresuid(*3 * [NOBODY.pw_uid])
            os.umask(0)

        return {"preexec_fn": become, "cwd": "/", "env": {"RUNTIME_DIRECTORY": str(self.run_dir), "PATH": "/usr/bin:/bin",
                                                          "PAYTRIAGE_CONFIG": "none",
                                                          "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "")}}

    def start(self, *args):
        whole, support.PROGRAM = support.PROGRAM, self.program
        try:
            return support.Daemon("run", "--bind", self.host, "--threads", "1", "--journal", f"{self.data}/journal",
                                  "--journal-size", "16M", "--control", self.control, *args, **self.as_nobody())
        finally:
            support.PROGRAM = whole

    def run_as_nobody(self, *args, **more):
        whole, support.PROGRAM = support.PROGRAM, self.program
        try:
            return support.run(*args, **more, **self.as_nobody())
        finally:
            support.PROGRAM = whole

    def test_all_of_it_works_and_nothing_is_for_others(self):
        code, _, words = self.run_as_nobody("keygen", f"{self.data}/keys")
        self.assertEqual((code, words), (0, ""))
        with self.start("--curve", f"{self.data}/keys") as daemon:
            status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
            self.assertRegex(status, rf"(?m)^Uid:(\t{NOBODY.pw_uid}){{4}}$")
            self.assertRegex(status, r"(?m)^CapEff:\t0+$")
            code, _, words = self.run_as_nobody("send", "-c", f"tcp://{self.host}:5560", "--curve", f"{self.data}/keys",
                                                "--quiet", data=support.lines_of([RESPONSE]))
            self.assertEqual((code, words), (0, ""))
            code, out, words = self.run_as_nobody("ctl", "status", "--control", self.control, "-o", "json")
            self.assertEqual(code, 0, words)
            self.assertIn("worker", json.loads(out))
            code, out, words = self.run_as_nobody("journal", "list", "--journal", f"{self.data}/journal")
            self.assertEqual(code, 0, words)
            self.assert_private()
            self.assert_no_secret(daemon.process.pid)
            self.assertEqual(daemon.stop(), 0, daemon.text)

    def assert_private(self):
        """Sockets and the journal's files, whatever the umask is."""
        modes = {str(path.relative_to(self.folder)): path.lstat().st_mode for base in (self.data, self.run_dir)
                 for path in base.rglob("*")}
        for name in ("run/orders", "data/journal/control"):
            self.assertEqual((stat.S_ISSOCK(modes[name]), stat.S_IMODE(modes[name])), (True, 0o600), name)
        for name, mode in modes.items():
            public = name.endswith("own.key")
            self.assertFalse(stat.S_IMODE(mode) & (0o022 if public or stat.S_ISDIR(mode) else 0o077),
                             (name, oct(mode)))
        self.assertEqual(stat.S_IMODE(modes["data/journal"]), 0o700)

    def assert_no_secret(self, pid):
        secret = (self.data / "keys/own.key_secret").read_text().split("secret-key = \"")[1][:40].encode()
        for name in ("cmdline", "environ"):
            self.assertNotIn(secret, pathlib.Path(f"/proc/{pid}/{name}").read_bytes())

    def test_it_refuses_keys_that_are_not_its_own(self):
        code, _, words = support.run("keygen", str(self.folder / "roots"))
        self.assertEqual((code, words), (0, ""))
        (self.folder / "roots").chmod(0o755)
        code, _, words = self.run_as_nobody("run", "--bind", self.host, "--curve", str(self.folder / "roots"), "--journal",
                                            "none")
        self.assertIn(code, (77, 78), words)
        self.assertIn("own.key_secret: Permission denied", words)

    def test_it_says_where_it_may_not_write(self):
        closed = self.folder / "closed"
        closed.mkdir(mode=0o755)
        code, _, words = self.run_as_nobody("run", "--bind", self.host, "--journal", f"{closed}/journal")
        self.assertEqual(code, 77, words)
        self.assertRegex(words, r"closed/journal: Permission denied\nhint: ")


if __name__ == "__main__":
    support.main()
