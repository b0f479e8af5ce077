"""A polite client beside a hostile one: reads a configmap and renews a node's lease, over and over, on a few connections, and tells
how long the answers took. A process of its own, so that what the test computes does not count as the server's delay.

As a program: neighbour.py CONFIG (JSON). It writes `ready`, then runs until SIGTERM, then writes a line of JSON."""
import http.client
import json
import signal
import ssl
import subprocess
import sys
import time

CONNECTIONS = 6          # enough that every executor has one
INTERVAL_S = 0.02
LEASE_EVERY = 10         # a renewal for so many reads
TIMEOUT_S = 60


class Neighbour:
    """Runs while the context does; then `answers`, `worst_s` and `failures` tell. `config`: port, ca, cert, key, read (path), lease (path)."""

    def __init__(self, config):
        self.config = config
        self.answers, self.worst_s, self.failures = 0, 0.0, []

    def __enter__(self):
        self.child = subprocess.Popen([sys.executable, __file__, json.dumps(self.config)], stdout=subprocess.PIPE, text=True)
        if (said := self.child.stdout.readline()) != 'ready\n':
            self.child.wait()
            raise RuntimeError(f'the neighbour was not served before the attack: {said!r}')
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            said, _ = self.child.communicate(timeout=2 * TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise RuntimeError('the neighbour still waits for an answer')
        told = json.loads(said.splitlines()[-1])
        self.answers, self.worst_s, self.failures = told['answers'], told['worst_s'], told['failures']


class Client:
    def __init__(self, config):
        self.config = config
        self.context = ssl.create_default_context(cafile=config['ca'])
        self.context.load_cert_chain(config['cert'], config['key'])
        self.connections = [self.connect() for _ in range(CONNECTIONS)]
        self.told = {'answers': 0, 'worst_s': 0.0, 'failures': []}
        self.lease = json.loads(self.ask(0, 'GET', config['lease']))

    def connect(self):
        return http.client.HTTPSConnection('127.0.0.1', self.config['port'], context=self.context, timeout=TIMEOUT_S)

    def ask(self, i, method, path, body=None):
        began = time.monotonic()
        try:
            self.connections[i].request(method, path, body, {'Content-Type': 'application/json'} if body else {})
            answer = self.connections[i].getresponse()
            text = answer.read()
            if answer.status != 200:
                self.fail(f'{method} {path}: {answer.status} {text[:200]!r}')
                return None
            return text
        except OSError as e:
            self.fail(f'{method} {path}: {e!r}')
            self.connections[i].close()
            self.connections[i] = self.connect()
            return None
        except http.client.HTTPException as e:
            self.fail(f'{method} {path}: {e!r}')
            self.connections[i].close()
            return None
        finally:
            self.told['answers'] += 1
            self.told['worst_s'] = max(self.told['worst_s'], time.monotonic() - began)

    def fail(self, what):
        if len(self.told['failures']) < 20:
            self.told['failures'].append(what)

    def step(self, n):
        i = n % CONNECTIONS
        if n % LEASE_EVERY:
            self.ask(i, 'GET', self.config['read'])
        elif renewed := self.ask(i, 'PUT', self.config['lease'], json.dumps(self.lease)):
            self.lease = json.loads(renewed)


def main(config):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    client = Client(config)
    for i in range(CONNECTIONS):
        client.ask(i, 'GET', config['read'])
    if client.told['failures']:
        sys.exit(f'{client.told["failures"]}')
    client.told.update(answers=0, worst_s=0.0)      # handshakes are not what is measured
    print('ready', flush=True)
    n = 0
    while not ended:
        client.step(n)
        n += 1
        time.sleep(INTERVAL_S)
    print(json.dumps(client.told), flush=True)


if __name__ == '__main__':
    main(json.loads(sys.argv[1]))
