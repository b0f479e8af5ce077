"""Servers with little memory and clients that mean harm: what test/integration/hostile is written with.

A server here has ADDRESS_SPACE_MIB of address space, so that input that multiplies ends it instead of growing it. After each test it
must be the same process, answer at once, and have given its memory back."""
import base64
import contextlib
import http.client
import itertools
import json
import pathlib
import shutil
import socket
import ssl
import tempfile
import time

import yaml

from .cluster import SLOWNESS, ApiServer, Pki, Process, free_port, held_lines, pintle_binary, sum_of_metric, wait_for
from .neighbour import Neighbour

ADDRESS_SPACE_MIB = 256
RESIDENT_GROWTH_MAX_MIB = 48      # what may stay after a test: arenas' holes, objects that it left
SETTLE_S = 15                     # within which memory goes back
READY_MAX_S = 1.0
LATENCY_MAX_S = 1.0               # of a neighbour's request while an attack runs

numbers = itertools.count()


def rule(resources, verbs, groups='', names=()):
    """A rule of RBAC; lists as words: rule('pods pods/log', 'get list')."""
    out = {'apiGroups': groups.split() or [''], 'resources': resources.split(), 'verbs': verbs.split()}
    if names:
        out['resourceNames'] = list(names)
    return out


class User:
    """A client certificate (and, of some, a token): `context` for TLS, `headers` for every request."""

    def __init__(self, name, groups, context, cert=None, key=None, headers=None):
        self.name, self.groups, self.context, self.cert, self.key, self.headers = name, groups, context, cert, key, headers or {}


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'{self.status} in {self.seconds:.2f} s: {self.body[:500]!r}'


class Raw:
    """A TLS connection that writes any bytes; `socket` is there for what this does not have."""

    def __init__(self, port, context, timeout_s):
        plain = socket.create_connection(('127.0.0.1', port), timeout=timeout_s)
        self.socket = context.wrap_socket(plain, server_hostname='127.0.0.1')

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def answer(self, method='GET', timeout_s=30):
        """The next answer; an error of http.client or the socket where there is none."""
        self.socket.settimeout(timeout_s * SLOWNESS)
        began = time.monotonic()
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read(), time.monotonic() - began)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Bounded:
    """What both servers share. A subclass sets port, ca, process, issue() and admin, then calls prepare()."""

    def prepare(self):
        self.admin = self.admin_user()
        self.set_up_neighbour()
        self.idle_mib = self.process.rss_mib()
        self.pid = self.process.pid

    # --- requests -------------------------------------------------------------------------------------------------------
    def ask(self, user, method, path, body=None, headers=None, timeout_s=60):
        """One request on a connection of its own. `body`: bytes, text, or what becomes JSON."""
        headers = {**user.headers, **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault('Content-Type', 'application/json')
        connection = http.client.HTTPSConnection('127.0.0.1', self.port, context=user.context, timeout=timeout_s * SLOWNESS)
        began = time.monotonic()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read(), time.monotonic() - began)
        finally:
            connection.close()

    def raw(self, user, timeout_s=30):
        return Raw(self.port, user.context, timeout_s * SLOWNESS)

    def make(self, path, obj):
        """Creates as the administrator; what is there already is fine."""
        answer = self.ask(self.admin, 'POST', path, obj)
        assert answer.status in (200, 201, 409), answer
        return answer.json()

    # --- users and namespaces -------------------------------------------------------------------------------------------
    def user(self, *rules, namespace=None, name=None, groups=()):
        """A new user with exactly these rights (in `namespace`, or everywhere), beside those that all authenticated users have."""
        name = name or f'tenant-{next(numbers)}'
        user = self.issue(name, groups)
        if rules:
            self.grant(name, rules, namespace)
        return user

    def anonymous(self):
        """No certificate; a test adds its own headers."""
        return User('system:anonymous', (), ssl.create_default_context(cafile=self.ca))

    def node(self, name):
        """A kubelet's user; its Node object is the test's to make."""
        return self.issue(f'system:node:{name}', ('system:nodes',))

    def grant(self, name, rules, namespace):
        base = '/apis/rbac.authorization.k8s.io/v1' + (f'/namespaces/{namespace}' if namespace else '')
        kind, binding = ('Role', 'RoleBinding') if namespace else ('ClusterRole', 'ClusterRoleBinding')
        path = {'Role': 'roles', 'ClusterRole': 'clusterroles'}[kind], {'Role': 'rolebindings', 'ClusterRole': 'clusterrolebindings'}[kind]
        group = 'rbac.authorization.k8s.io'
        object_name = f'{name}-{next(numbers)}'.replace(':', '-')
        self.make(f'{base}/{path[0]}', {'apiVersion': f'{group}/v1', 'kind': kind, 'metadata': {'name': object_name}, 'rules': list(rules)})
        self.make(f'{base}/{path[1]}', {'apiVersion': f'{group}/v1', 'kind': binding, 'metadata': {'name': object_name},
                                       'roleRef': {'apiGroup': group, 'kind': kind, 'name': object_name},
                                       'subjects': [{'apiGroup': group, 'kind': 'User', 'name': name}]})
        first = rules[0]
        if 'resources' not in first:
            return
        resource, _, subresource = first['resources'][0].partition('/')
        attributes = {'verb': first['verbs'][0], 'group': first['apiGroups'][0], 'resource': resource, 'subresource': subresource,
                      'namespace': namespace or '', 'name': (first.get('resourceNames') or [''])[0]}
        review = {'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SubjectAccessReview', 'spec': {'user': name, 'resourceAttributes': attributes}}
        wait_for(lambda: self.ask(self.admin, 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review).json()['status']['allowed'],
                 f'{name} may {attributes}', self.process)

    def namespace(self):
        """The name of a new namespace with the service account `default`."""
        name = f'hostile-{next(numbers)}'
        self.make('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}})
        self.make(f'/api/v1/namespaces/{name}/serviceaccounts', {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'default'}})
        return name

    # --- attacks --------------------------------------------------------------------------------------------------------
    def set_up_neighbour(self):
        self.make('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'neighbour'}})
        self.make('/api/v1/namespaces/neighbour/configmaps', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'read'}, 'data': {'k': 'v'}})
        self.make('/apis/coordination.k8s.io/v1/namespaces/neighbour/leases', {
            'apiVersion': 'coordination.k8s.io/v1', 'kind': 'Lease', 'metadata': {'name': 'held'}, 'spec': {'holderIdentity': 'neighbour', 'leaseDurationSeconds': 40}})
        self.neighbour = self.user(rule('configmaps', 'get'), rule('leases', 'get update', groups='coordination.k8s.io'), namespace='neighbour', name='neighbour')

    @contextlib.contextmanager
    def attack(self, limit_s, latency_max_s=LATENCY_MAX_S, failures_allowed=False):
        """The block is an attack: it ends within `limit_s`, and meanwhile a polite neighbour's every request is answered, none later than
        `latency_max_s`. Yields the neighbour, whose figures are there after the block."""
        config = {'port': self.port, 'ca': self.ca, 'cert': self.neighbour.cert, 'key': self.neighbour.key,
                  'read': '/api/v1/namespaces/neighbour/configmaps/read', 'lease': '/apis/coordination.k8s.io/v1/namespaces/neighbour/leases/held'}
        with Neighbour(config) as neighbour:
            began = time.monotonic()
            yield neighbour
            took_s = time.monotonic() - began
        assert took_s < limit_s * SLOWNESS, f'took {took_s:.1f} s, limit {limit_s} s'
        assert failures_allowed or not neighbour.failures, f'refused to others meanwhile: {neighbour.failures}'
        assert neighbour.worst_s < latency_max_s * SLOWNESS, f'another client waited {neighbour.worst_s:.2f} s'

    # --- what must hold after each test -----------------------------------------------------------------------------------
    def check_unharmed(self):
        assert self.process.child.poll() is None, f'ended with {self.process.child.returncode}: {self.process.tail()}'
        assert self.process.pid == self.pid
        began = time.monotonic()
        assert self.ask(self.admin, 'GET', '/readyz').body == b'ok'
        took_s = time.monotonic() - began
        assert took_s < READY_MAX_S * SLOWNESS, f'/readyz took {took_s:.2f} s'
        said = self.process.log.read_text(errors='replace')
        assert 'ended by signal' not in said and 'terminate called' not in said, self.process.tail()
        assert SLOWNESS > 1 or 'A step held an executor' not in said, f'an executor was held: {held_lines(said)}'
        wait_for(lambda: self.process.rss_mib() < self.idle_mib + RESIDENT_GROWTH_MAX_MIB,
                 f'resident memory near the {self.idle_mib:.0f} MiB of before', self.process, timeout_s=SETTLE_S * SLOWNESS)

    def metric(self, name):
        """The sum of a metric's series on /metrics; None where there is none."""
        return sum_of_metric(self.ask(self.admin, 'GET', '/metrics').body.decode(), name)


def limited(address_space_mib):
    """prlimit becomes what it starts: the pid is the server's."""
    return ['prlimit', f'--as={address_space_mib << 20}', '--']


def context_of(ca, cert, key):
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    return context


class BoundedServer(Bounded):
    """`pintle kube-apiserver`, or upstream's with its etcd: that one has all the memory it takes."""

    def __init__(self, flags=(), address_space_mib=ADDRESS_SPACE_MIB, binary=None, upstream=None):
        self.server = ApiServer(flags=flags, prefix=() if upstream else limited(address_space_mib), binary=binary, upstream=upstream)
        self.port, self.ca = self.server.port, self.server.pki.ca

    def __enter__(self):
        self.server.__enter__()
        try:
            self.process = self.server.server
            self.prepare()
        except BaseException:
            self.server.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.server.stop()

    def admin_user(self):
        return User('admin', ('system:masters',), self.server.context)

    def issue(self, name, groups):
        return issue(self.server.pki, name, groups)


class BoundedCluster(Bounded):
    """`pintle server --disable-agent`: the API server, the controllers and the scheduler in one process, without a node."""

    def __init__(self, flags=(), address_space_mib=ADDRESS_SPACE_MIB):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='pintle-hostile-'))
        self.port = free_port()
        self.data = self.folder / 'data'
        self.args = [*limited(address_space_mib), pintle_binary(), 'server', '--disable-agent', '--disable=dns', f'--data-dir={self.data}', '--bind-address=127.0.0.1', '--node-ip=127.0.0.1',
                     '--node-name=server', f'--https-listen-port={self.port}', *flags]

    def __enter__(self):
        self.process = Process(self.args, self.folder / 'pintle.log')
        try:
            config_path = self.data / 'admin.kubeconfig'
            wait_for(config_path.exists, 'the administrator\'s kubeconfig', self.process)
            self.read_kubeconfig(yaml.safe_load(config_path.read_text()))
            wait_for(lambda: self.ask(self.admin_user(), 'GET', '/readyz').body == b'ok', 'readyz', self.process)
            self.prepare()
        except BaseException:
            self.process.stop()
            raise
        return self

    def __exit__(self, *_):
        status = self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert status == 0, f'ended with {status}'

    def read_kubeconfig(self, config):
        cluster, user = config['clusters'][0]['cluster'], config['users'][0]['user']
        for name, source, key in (('ca.crt', cluster, 'certificate-authority'), ('admin.crt', user, 'client-certificate'), ('admin.key', user, 'client-key')):
            text = base64.b64decode(source[f'{key}-data']) if f'{key}-data' in source else pathlib.Path(source[key]).read_bytes()
            (self.folder / name).write_bytes(text)
        self.ca = str(self.folder / 'ca.crt')

    def admin_user(self):
        cert, key = str(self.folder / 'admin.crt'), str(self.folder / 'admin.key')
        return User('admin', ('system:masters',), context_of(self.ca, cert, key), cert, key)

    def issue(self, name, groups):
        pki = Pki.of(self.folder / 'users', str(self.data / 'pki/ca.crt'), str(self.data / 'pki/ca.key'))
        return issue(pki, name, groups, self.ca)


def issue(pki, name, groups, server_ca=None):
    """A user with a client certificate, signed by `pki`."""
    stem = f'user-{next(numbers)}'
    pki.issue(stem, '/' + '/'.join([*(f'O={g}' for g in groups), f'CN={name}']))
    cert, key = pki.path(f'{stem}.crt'), pki.path(f'{stem}.key')
    return User(name, tuple(groups), context_of(server_ca or pki.ca, cert, key), cert, key)
