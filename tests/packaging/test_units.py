"""The units: systemd finds no fault in them, and what they may do is little.

Usage: test_units.py PROGRAM BUILD_DIR
"""

import ctypes
import errno
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

BUILD = None
PROGRAM = None


def calls_of(group):
    """The system calls of a group of systemd's, such as @system-service; or the call itself."""
    if not group.startswith("@"):
        return {group}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    words = {line.strip() for line in listed.splitlines()[1:] if line.strip() and not line.strip().startswith("#")}
    return set().union(*(calls_of(word) for word in words))


def calls_allowed(unit):
    """As systemd reads the lines SystemCallFilter=, one after the other."""
    allowed = calls_of("@default")
    for line in re.findall(r"(?m)^SystemCallFilter=(.*)$", unit):
        calls = set().union(*(calls_of(word) for word in line.removeprefix("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def filter_of(allowed):
    """A function that lets its process make these calls; all others fail with EPERM, as the units say."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    context = ctypes.c_void_p(library.seccomp_init(0x00050000 | errno.EPERM))
    for call in allowed:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            assert library.seccomp_rule_add(context, 0x7FFF0000, number, 0) == 0, call
    return lambda: library.seccomp_load(context)


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here")
class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.units = []
        for path in sorted((BUILD / "packaging/systemd").glob("*.service")):
            unit = pathlib.Path(folder.name) / path.name.replace("@", "@one")
            #  The program stands elsewhere before it is installed, and so may the user be missing.
            text = re.sub(r"(?m)^(Exec(?:Start(?:Pre)?|Reload)=)\S+", rf'\1"{PROGRAM}"', path.read_text())
            unit.write_text(text)
            self.units.append(unit)
        self.assertEqual(len(self.units), 3)

    def test_systemd_finds_no_fault(self):
        for unit in self.units:
            found = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
            said = [line for line in found.stderr.splitlines() if unit.name in line]
            self.assertEqual((found.returncode, said), (0, []), found.stderr)

    def test_names_can_be_looked_up_before_they_start(self):
        #  A name is looked up once, when it is first connected to (docs/decisions/0170-a-name-has-a-family.md).
        for unit in self.units:
            after = " ".join(re.findall(r"(?m)^After=(.*)$", unit.read_text())).split()
            self.assertTrue({"network-online.target", "nss-lookup.target"} <= set(after), (unit.name, after))

    def test_what_they_may_do_is_little(self):
        for unit in self.units:
            found = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
                                   capture_output=True, text=True)
            level = re.search(r"Overall exposure level for \S+: ([0-9.]+) OK", found.stdout)
            self.assertTrue(level, found.stdout[-300:] + found.stderr)
            self.assertLess(float(level[1]), 1.5)

    #  A sanitizer calls the system in ways that the product does not.
    def is_sanitized(self):
        return re.search(rb"__[at]san_init", pathlib.Path(PROGRAM).read_bytes())

    def test_the_program_works_with_the_calls_that_are_left(self):
        if self.is_sanitized():
            self.skipTest("built with a sanitizer")
        for unit in self.units:
            command = re.search(r'(?m)^ExecStart="[^"]+" (\w+)$', unit.read_text())[1]
            load = filter_of(calls_allowed(unit.read_text()))
            address = support.address()
            with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
                args = ["--bind", address, "--http", f"tcp://{address}:5580"]
                if command != "broker":
                    args += ["--journal", folder, "--journal-size", "16M"]
                with support.Daemon(command, *args, preexec_fn=load) as daemon:
                    if command == "run":
                        code, _, words = support.run("send", "--connect", f"tcp://{address}:5560",
                                                     data=b'{"provider": "opn", "http_status": 503}\n')
                        self.assertEqual(code, 0, words)
                        self.assertEqual(support.run("check", "--http", f"tcp://{address}:5580")[0], 0)
                    self.assertEqual(daemon.stop(), 0, daemon.text)

    def test_the_drain_fits_into_the_stop(self):
        default = subprocess.run([PROGRAM, "config", "show", "--config", "none"], capture_output=True, text=True).stdout
        drain_s = int(re.search(r"(?m)^drain_timeout: (\d+)s$", default)[1])
        for unit in self.units:
            stop_s = int(re.search(r"(?m)^TimeoutStopSec=(\d+)$", unit.read_text())[1])
            self.assertGreaterEqual(stop_s, drain_s + 10)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(2))
    PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
    support.main()
