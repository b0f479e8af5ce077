"""Load on a Service from inside a node's network: one request after another, each on a connection of its own, until it is ended.

As a program (in the node's namespace): load.py URL. It writes a line of JSON for each request that failed, and one at the end."""
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

INTERVAL_S = 0.01
TIMEOUT_S = 3


def ask(host, port, path):
    with socket.create_connection((host, port), timeout=TIMEOUT_S) as s:
        s.sendall(f'GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n'.encode())
        answer = b''
        while part := s.recv(4096):
            answer += part
    if b' 200 ' not in answer.split(b'\r\n', 1)[0]:
        raise OSError(f'answered {answer[:80]!r}')
    return answer.split(b'\r\n\r\n', 1)[1].decode()


def main(url):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    parts = urllib.parse.urlsplit(url)
    good, began = 0, time.monotonic()
    print('ready', flush=True)
    while not ended:
        at = time.monotonic()
        try:
            ask(parts.hostname, parts.port or 80, parts.path or '/')
            good += 1
        except OSError as e:
            print(json.dumps({'at_s': round(at - began, 2), 'took_s': round(time.monotonic() - at, 2), 'error': str(e)}), flush=True)
        time.sleep(INTERVAL_S)
    print(json.dumps({'good': good}), flush=True)


class Load:
    """Runs while the context does; then `good` counts the answers and `failures` lists the rest."""

    def __init__(self, node, url):
        self.node, self.url = node, url
        self.good, self.failures = 0, []

    def __enter__(self):
        self.child = subprocess.Popen(self.node.command(sys.executable, __file__, self.url), stdout=subprocess.PIPE, text=True)
        assert self.child.stdout.readline() == 'ready\n'
        return self

    def __exit__(self, *_):
        self.child.terminate()
        out, _ = self.child.communicate(timeout=30)
        lines = [json.loads(line) for line in out.splitlines()]
        self.good = lines[-1]['good']
        self.failures = lines[:-1]


if __name__ == '__main__':
    main(sys.argv[1])
