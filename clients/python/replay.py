"""A worker's replay as a subscriber asks it: one request at a time, each under a number of its own. It waits a second at most for
what comes next of its answer, whatever else comes; where nothing comes the connection is made anew, later each time."""
import time

import msgpack
import zmq
import curve


def later():
    """When to ask again for what an answer did not bring."""
    return time.monotonic() + 1


class Replay:
    def __init__(self, keys=None):
        self.keys, self.endpoint, self.dealer, self.request = keys, "", None, 0
        self.retry_at, self.wait = 0.0, 1.0

    def is_due(self, due=0.0):
        """Whether a request that waits until then may be made."""
        return time.monotonic() >= max(due, self.retry_at)

    def ask(self, kind, *arguments):
        """The answers, each with its other frames; none: not now. After an OPEN there is a pause, unless who asked ends it by
        `retry_at`, because the answer was of use."""
        if not self.is_due():
            return []
        self.dealer = self.dealer or curve.dealer(self.endpoint, self.keys)
        self.request, answers = self.request + 1, []
        until = later() if self.send([1, kind, self.request, *arguments]) else 0.0
        while self.dealer.poll(max(0, until - time.monotonic()) * 1000):
            header, *frames = self.dealer.recv_multipart()
            answer = self.read(header)
            if not answer and time.monotonic() >= until:
                break  # others could go on for ever
            if not answer:
                continue
            until = later()
            answers.append((answer, frames))
            if answer[1] != "FETCHED":  # the last
                self.wait, self.retry_at = 1.0, later() if kind == "OPEN" or answer[1] == "REFUSED" else 0.0
                return answers
        self.close()
        self.retry_at, self.wait = time.monotonic() + self.wait, min(2 * self.wait, 10)
        return answers

    def send(self, request):
        """Whether there was room. A connection that was refused has none for ever: libzmq does not try again."""
        try:
            self.dealer.send(msgpack.packb(request), zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

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
