"""CURVE for the clients here. A folder of keys, as `paytriage keygen` makes it, holds who this client is and the keys
of its servers; without one, connections are plain. docs/security.md has the rules."""
import os

import zmq.auth


def server_key(folder, endpoint):
    """The most precise name decides: HOST:PORT, then HOST, then default; without any, the server is this party."""
    address = endpoint.partition("://")[2] if endpoint.startswith("tcp://") else ""
    for name in (address, address.rpartition(":")[0], "default"):
        path = f"{folder}/servers/{name}.key"
        if name and os.path.exists(path):
            return zmq.auth.load_certificate(path)[0]
    return zmq.auth.load_certificate(f"{folder}/own.key")[0]


def connect(socket, endpoint, folder=None):
    """Keys are read anew each time, so a new connection finds a server's new key."""
    if folder:
        secret = f"{folder}/own.key_secret"
        if os.stat(secret).st_mode & 0o077:
            raise PermissionError(f"{secret} can be read by others; run: chmod go= {secret}")
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(secret)
        socket.curve_serverkey = server_key(folder, endpoint)
    socket.connect(endpoint)
