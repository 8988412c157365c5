#!/usr/bin/python3
"""An authenticator that ends by itself: nobody is let in any more, and the process stops with a reason.

    test_gate.py PAYTRIAGE-FAULTS
"""

import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support

os.environ["PAYTRIAGE_RULE_OFF"] = "gate"  # the first question ends it


def main(program):
    support.PROGRAM = program
    with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
        host, keys = support.address(), f"{folder}/keys"
        assert support.run("keygen", keys)[0] == 0
        with support.Daemon("run", "--bind", host, "--curve", keys) as daemon:
            sender = support.start("send", "--connect", f"tcp://{host}:5560", "--curve", keys)
            sender.stdin.write(support.lines_of([support.WARM_UP["retry"]]))
            sender.stdin.flush()
            code = daemon.wait()
            assert code == 70, (code, daemon.text)
            assert "paytriage: the authenticator has ended: nobody is let in any more\n" in daemon.text, daemon.text
            assert "hint: start it again" in daemon.text, daemon.text
            assert "received=0" in daemon.text, daemon.text
            sender.kill()
            sender.communicate()


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
