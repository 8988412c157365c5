"""Connections of the clients here, and CURVE for them. A folder of keys, as `paytriage keygen` makes it, holds who this client is and the keys
of its servers; without one, connections are plain. docs/security.md has the rules."""
import itertools
import os
import socket as network

import zmq
import zmq.auth
from zmq.utils.monitor import parse_monitor_message

EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_DISCONNECTED

RETURNED = "a connection was lost and is back; what a worker without a journal published meanwhile did not arrive"


def load(path):
    """The keys in a file that others may neither read, when one is a secret, nor change."""
    secret = path.endswith("_secret")
    if os.stat(path).st_mode & (0o077 if secret else 0o022):
        raise PermissionError(f"{path} can be {'read' if secret else 'changed'} by others; "
                              f"run: chmod {'go=' if secret else 'go-w'} {path}")
    return zmq.auth.load_certificate(path)


def server_key(folder, endpoint):
    """The most precise name decides: HOST:PORT, then HOST, then default; without any, the server is this party."""
    address = endpoint.partition("://")[2] if endpoint.startswith("tcp://") else ""
    for name in (address, address.rpartition(":")[0], "default"):
        path = f"{folder}/servers/{name}.key"
        if name and os.path.exists(path):
            return load(path)[0]
    return load(f"{folder}/own.key")[0]


def keys_of(folder, endpoint):
    """This client's public and secret key, and the server's, as the files are now."""
    return (*load(f"{folder}/own.key_secret"), server_key(folder, endpoint))


def is_six(endpoint):
    """Whether it is an IPv6 address, or a name that has only such; libzmq looks names up for one family."""
    if not endpoint.startswith("tcp://"):
        return False
    host = endpoint[6:].rpartition(":")[0]
    try:
        found = network.getaddrinfo(host.strip("[]"), None, type=network.SOCK_STREAM)
    except OSError:
        return False
    return all(family == network.AF_INET6 for family, *_ in found)


def connect(socket, endpoint, folder=None):
    """Keys are read anew each time, so a new connection finds a server's new key."""
    if folder:
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = keys_of(folder, endpoint)
    socket.ipv6 = is_six(endpoint)
    #  A host that goes without a word is noticed after 30 s; who only listens would wait for it for ever.
    socket.tcp_keepalive, socket.tcp_keepalive_idle, socket.tcp_keepalive_intvl, socket.tcp_keepalive_cnt = 1, 15, 5, 3
    socket.connect(endpoint)


def dealer(endpoint, folder=None):
    """A connected DEALER that keeps nothing when it is closed."""
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    connect(socket, endpoint, folder)
    return socket


class Connections:
    """A socket's connections: those that were gone and are back are told of, and they are made anew when a handshake fails
    and the files hold other keys by now, because libzmq tries for ever with those that it has."""

    serial = itertools.count()

    def __init__(self, socket, endpoints, folder=None):
        self.socket, self.folder, self.keys = socket, folder, {}
        self.standing, self.gone, self.failed = set(), 0, False  # by address; gone and not back; a handshake
        #  An address of its own: that of get_monitor_socket() is another socket's as well, which is closed by and by.
        address = f"inproc://connections-{next(self.serial)}"
        socket.monitor(address, EVENTS)
        self.monitor = socket.context.socket(zmq.PAIR)
        self.monitor.rcvhwm = 0  # libzmq's thread waits where it is full, and all sockets with it
        self.monitor.connect(address)
        for endpoint in endpoints:
            self.keys[endpoint] = folder and keys_of(folder, endpoint)
            connect(socket, endpoint, folder)

    def close(self):
        """To be called before the socket is closed: its end has events, too, and where nobody can read them any more libzmq's
        thread waits for ever, and all sockets of the context with it."""
        if not self.socket.closed:
            self.socket.monitor(None, 0)
        self.monitor.close()

    __del__ = close

    def tend(self):
        """To be called now and then. Whether a connection was gone and is back."""
        returned = False
        while self.monitor.poll(0):
            returned |= self.note(parse_monitor_message(self.monitor.recv_multipart()))
        if self.folder and self.failed:
            self.compare_keys()
        return returned

    def note(self, event):
        kind, address = event["event"], event["endpoint"]
        self.failed |= kind == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        if kind == zmq.EVENT_DISCONNECTED and address in self.standing:  # or it never stood
            self.standing.discard(address)
            self.gone += 1
        if kind != zmq.EVENT_HANDSHAKE_SUCCEEDED:
            return False
        self.standing.add(address)
        returned = self.gone > 0
        self.gone -= returned  # by number: a host's name has not always one address
        return returned

    def compare_keys(self):
        self.failed = False
        for endpoint, before in self.keys.items():
            try:
                keys = keys_of(self.folder, endpoint)
            except (OSError, ValueError):
                continue  # a file that is being written: there will be another failure
            if keys != before:
                self.keys[endpoint] = keys
                self.socket.disconnect(endpoint)
                self.note({"event": zmq.EVENT_DISCONNECTED, "endpoint": endpoint.encode()})  # nobody else says so
                connect(self.socket, endpoint, self.folder)
