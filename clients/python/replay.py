"""A worker's replay as a subscriber asks it: one request at a time, each under a number of its own. It waits a second at most for
what comes next of its answer; where nothing comes the connection is made anew, later each time."""
import time

import msgpack
import curve


class Replay:
    def __init__(self, keys=None):
        self.keys, self.endpoint, self.dealer, self.request = keys, "", None, 0
        self.retry_at, self.wait = 0.0, 1.0

    def ask(self, kind, *arguments):
        """The answers, each with its other frames; none: not now."""
        if time.monotonic() < self.retry_at:
            return []
        self.dealer = self.dealer or curve.dealer(self.endpoint, self.keys)
        self.request, answers = self.request + 1, []
        self.dealer.send(msgpack.packb([1, kind, self.request, *arguments]))
        while self.dealer.poll(1000):
            header, *frames = self.dealer.recv_multipart()
            answer = self.read(header)
            if not answer:
                continue
            answers.append((answer, frames))
            if answer[1] != "FETCHED":  # the last
                self.wait, self.retry_at = 1.0, time.monotonic() + (answer[1] == "REFUSED")
                return answers
        self.close()
        self.retry_at, self.wait = time.monotonic() + self.wait, min(2 * self.wait, 10)
        return answers

    def read(self, header):
        """What answers another request, or is no answer, is ignored: None."""
        try:
            answer = msgpack.unpackb(header)
        except (ValueError, TypeError, msgpack.UnpackException):
            return None
        return answer if isinstance(answer, list) and answer[:1] == [1] and answer[2:3] == [self.request] else None

    def close(self):
        """A late answer meets nobody: the next try is on a new connection."""
        if self.dealer:
            self.dealer.close()
        self.dealer = None
