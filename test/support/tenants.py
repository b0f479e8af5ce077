"""Tenants of one API server, each a process of its own, for tests of fairness.

As a program: tenants.py measure|abuse CONFIG (JSON). It writes `ready`, works until SIGTERM, then writes a line of JSON.

measure: nodes renew their leases, each once in LEASE_INTERVAL_S, and a polite user reads an object, one request after another.
abuse: one user with all kinds of bad manners: lists of everything, watches from the start, writes, bodies that never end."""
import http.client
import json
import os
import pathlib
import random
import signal
import ssl
import subprocess
import sys
import threading
import time

NODES = 200
OBJECTS, OBJECT_BYTES = 300, 10_000      # what the abusive tenant lists: 3 MB
IDLE_S, ATTACK_S = 10, 15
LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
LEASE_INTERVAL_S = 10
LEASE_CONNECTIONS = 10
POLITE_INTERVAL_S = 0.01
TIMEOUT_S = 60


class Tenant:
    """Runs while the context does; then `told` is what it told."""

    def __init__(self, role, config):
        self.role, self.config, self.told = role, config, None

    def __enter__(self):
        self.child = subprocess.Popen([sys.executable, __file__, self.role, json.dumps(self.config)], stdout=subprocess.PIPE, text=True)
        assert self.child.stdout.readline() == 'ready\n'
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            said, _ = self.child.communicate(timeout=2 * TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise
        self.told = json.loads(said.splitlines()[-1])


def node_names():
    return [f'n{i}' for i in range(NODES)]


def token_lines():
    """A token file of all tenants."""
    lines = [f'node-{n},system:node:{n},{n},"system:nodes"' for n in node_names()] + ['polite,polite,polite', 'abusive,abusive,abusive']
    return '\n'.join(lines) + '\n'


def tenants_of(server):
    """Makes what the tenants work with on a support.hostile.Bounded server that knows token_lines(); the configuration of a Tenant."""
    from .hostile import rule    # this file runs as a program too
    server.make('/api/v1/namespaces', {'metadata': {'name': 'kube-node-lease'}})
    for n in node_names():
        server.make(LEASES, {'metadata': {'name': n}, 'spec': {'holderIdentity': n, 'leaseDurationSeconds': 40}})
    ns = server.namespace()
    server.grant('polite', [rule('configmaps', 'get list')], ns)
    server.grant('abusive', [rule('configmaps', 'get list watch create patch')], ns)
    objects = f'/api/v1/namespaces/{ns}/configmaps'
    for i in range(OBJECTS):
        server.make(objects, {'metadata': {'name': f'c{i}'}, 'data': {'k': 'x' * OBJECT_BYTES}})
    server.make(objects, {'metadata': {'name': 'read'}, 'data': {'k': 'v'}})
    return {'port': server.port, 'ca': server.ca, 'objects': objects, 'read': f'{objects}/read', 'leases': LEASES, 'nodes': node_names(),
            'lists': 12, 'watches': 12, 'writes': 4, 'stalled': 205}


def measured(tenants, seconds):
    with Tenant('measure', tenants) as measure:
        time.sleep(seconds)
    return measure.told


def compared(tenants, others):
    """What the polite user and the nodes of `tenants` tell: `idle`, `elsewhere` (another server of the machine is attacked, that of
    `others`) and `attacked`; and what the `abuser` of the last tells.

    The tenants share the machine with the server, so that a busy one takes processors from everyone: what that alone costs is
    `elsewhere`."""
    told = {'idle': measured(tenants, IDLE_S)}
    for name, abused in (('elsewhere', others), ('attacked', tenants)):
        with Tenant('abuse', abused) as abuser:
            time.sleep(1)
            told[name] = measured(tenants, ATTACK_S)
    told['abuser'] = abuser.told
    return told


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def described(told):
    lines = []
    for name in ('idle', 'elsewhere', 'attacked'):
        polite, lease = told[name]['polite_s'], told[name]['lease_s']
        lines.append(f'{name:10} polite: {len(polite)} reads, median {percentile(polite, .5) * 1000:.1f} ms, p99 {percentile(polite, .99) * 1000:.1f} ms, '
                     f'refused {told[name]["polite_refused"]}; leases: {len(lease)} renewals, worst {max(lease) * 1000:.0f} ms after they were due, '
                     f'refused {told[name]["lease_refused"]}')
    lines.append(f'abuser: {told["abuser"]}')
    return '\n'.join(lines)


class Connection:
    def __init__(self, config, token):
        self.config, self.token = config, token
        self.context = ssl.create_default_context(cafile=config['ca'])
        self.open()

    def open(self):
        self.http = http.client.HTTPSConnection('127.0.0.1', self.config['port'], context=self.context, timeout=TIMEOUT_S)

    def ask(self, method, path, body=None, token=None):
        """(status, seconds, text); status 0: the connection failed."""
        began = time.monotonic()
        headers = {'Authorization': f'Bearer {token or self.token}', 'Content-Type': 'application/json'}
        try:
            self.http.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self.http.getresponse()
            text = answer.read()
            return answer.status, time.monotonic() - began, text
        except (OSError, http.client.HTTPException) as e:
            self.http.close()
            self.open()
            return 0, time.monotonic() - began, repr(e).encode()


def measure(config, ended, told):
    lock = threading.Lock()
    told.update(polite_s=[], polite_refused=0, lease_s=[], lease_refused=0, lease_late=0, failures=[])

    def note(kind, status, seconds, text):
        with lock:
            told[f'{kind}_s'].append(seconds)
            if status == 200:
                return
            told[f'{kind}_refused'] += 1
            if len(told['failures']) < 10:
                told['failures'].append(f'{kind}: {status} {text[:200]!r}')

    def renew(share):
        connection = Connection(config, None)
        leases = {}
        for node in share:
            leases[node] = json.loads(connection.ask('GET', f'{config["leases"]}/{node}', token=f'node-{node}')[2])
        due = time.monotonic() + random.random() * LEASE_INTERVAL_S / len(share)
        while not ended.is_set():
            for node in share:
                ended.wait(max(0, due - time.monotonic()))
                if ended.is_set():
                    return
                status, seconds, text = connection.ask('PUT', f'{config["leases"]}/{node}', leases[node], token=f'node-{node}')
                note('lease', status, time.monotonic() - due, text)     # from when it was due
                if status == 200:
                    leases[node] = json.loads(text)
                due += LEASE_INTERVAL_S / len(share)

    def polite():
        connection = Connection(config, 'polite')
        connection.ask('GET', config['read'])
        while not ended.wait(POLITE_INTERVAL_S):
            note('polite', *connection.ask('GET', config['read']))

    nodes = config['nodes']
    threads = [threading.Thread(target=renew, args=(nodes[i::LEASE_CONNECTIONS],)) for i in range(LEASE_CONNECTIONS)]
    return threads + [threading.Thread(target=polite)]


def abuse(config, ended, told):
    told.update(asked=0, refused=0)

    def loop(step):
        def run():
            connection = Connection(config, 'abusive')
            n = 0
            while not ended.is_set():
                status = step(connection, n)
                n += 1
                told['asked'] += 1
                if status == 429:
                    told['refused'] += 1
                    ended.wait(0.05)          # far less than what Retry-After says
        return threading.Thread(target=run)

    def list_all(connection, n):
        return connection.ask('GET', config['objects'])[0]

    def watch_all(connection, n):
        return connection.ask('GET', config['objects'] + '?watch=true&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true')[0]

    def write(connection, n):
        return connection.ask('PATCH', f'{config["objects"]}/c0', {'data': {'n': str(n)}})[0]

    def stall():
        connections = []
        head = f'POST {config["objects"]} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer abusive\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{'
        for _ in range(config['stalled']):
            if ended.is_set():
                break
            connection = Connection(config, 'abusive')
            connection.http.connect()
            connection.http.sock.sendall(head.encode())
            connections.append(connection)
        ended.wait()

    lists = [loop(list_all) for _ in range(config['lists'])]
    watches = [loop(watch_all) for _ in range(config['watches'])]
    writes = [loop(write) for _ in range(config['writes'])]
    return lists + watches + writes + [threading.Thread(target=stall)]


def main(role, config):
    ended, told = threading.Event(), {}
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    # An attacker works on processors of his own: here he takes what the server and the measurement leave, and the measurement does not wait.
    if role == 'abuse':
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(-10)
    threads = {'measure': measure, 'abuse': abuse}[role](config, ended, told)
    for thread in threads:
        thread.daemon = True
        thread.start()
    print('ready', flush=True)
    ended.wait()
    until = time.monotonic() + 10
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    print(json.dumps(told), flush=True)


if __name__ == '__main__':
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    main(sys.argv[1], json.loads(sys.argv[2]))
