"""The units: systemd finds no fault in them, and what they may do is little.

Usage: test_units.py PROGRAM BUILD_DIR
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = None
PROGRAM = None


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here")
class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.units = []
        for path in sorted((BUILD / "packaging/systemd").glob("*.service")):
            unit = pathlib.Path(folder.name) / path.name.replace("@", "@one")
            #  The program stands elsewhere before it is installed, and so may the user be missing.
            text = re.sub(r"(?m)^(Exec(?:Start(?:Pre)?|Reload)=)\S+", rf"\1{PROGRAM}", path.read_text())
            unit.write_text(text)
            self.units.append(unit)
        self.assertEqual(len(self.units), 3)

    def test_systemd_finds_no_fault(self):
        for unit in self.units:
            found = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
            said = [line for line in found.stderr.splitlines() if unit.name in line]
            self.assertEqual((found.returncode, said), (0, []), found.stderr)

    def test_what_they_may_do_is_little(self):
        for unit in self.units:
            found = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
                                   capture_output=True, text=True)
            level = re.search(r"Overall exposure level for \S+: ([0-9.]+) OK", found.stdout)
            self.assertTrue(level, found.stdout[-300:] + found.stderr)
            self.assertLess(float(level[1]), 2.5)

    def test_the_drain_fits_into_the_stop(self):
        default = subprocess.run([PROGRAM, "config", "show", "--config", "none"], capture_output=True, text=True).stdout
        drain_s = int(re.search(r"(?m)^drain_timeout: (\d+)s$", default)[1])
        for unit in self.units:
            stop_s = int(re.search(r"(?m)^TimeoutStopSec=(\d+)$", unit.read_text())[1])
            self.assertGreaterEqual(stop_s, drain_s + 10)


if __name__ == "__main__":
    PROGRAM, BUILD = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
    unittest.main()
