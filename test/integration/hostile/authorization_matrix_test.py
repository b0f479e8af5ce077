"""Every method on every form of every resource's path, for users who may do exactly one verb on one resource: what is not that verb by
upstream's rules is forbidden, what has no route is refused, and nothing of it changes anything.

The rules are written down here anew (`verb_of`, `routes_of`, Forms), from upstream's documentation of request verbs and of its paths; the
resources come from the server's own discovery, so that a new one is in the matrix by itself. Three kinds of user: with a Role in one
namespace, a service account with a ClusterRole, and a node, whose rights are in NODE_RIGHTS."""
import collections
import json
import os
import ssl
import socket

import pytest

from support.hostile import BoundedServer, User

METHODS = ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
RESOURCE_VERBS = ('get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'proxy')
SUBRESOURCE_VERBS = ('get', 'create', 'update', 'patch', 'delete')
BATCH = 64                       # requests on their way at once
SPACE, OTHER = 'matrix', 'elsewhere'
NAME = 'victim'                  # the name that paths have
NODE = 'matrix-node'
RBAC = 'rbac.authorization.k8s.io'
NO_ROUTE = ('the server could not find the requested resource', '404 page not found')

# What every authenticated user may do.
BASIC = {('authorization.k8s.io', 'selfsubjectaccessreviews', 'create'), ('authorization.k8s.io', 'selfsubjectrulesreviews', 'create'),
         ('authentication.k8s.io', 'selfsubjectreviews', 'create')}

# What a node may do to objects that have nothing to do with it; (group, resource): verbs. Admission judges its writes beyond that.
NODE_RIGHTS = {
    ('', 'services'): 'get list watch', ('', 'endpoints'): 'get', ('', 'events'): 'create update patch', ('events.k8s.io', 'events'): 'create update patch',
    ('', 'nodes'): 'create update patch', ('', 'nodes/status'): 'update patch', ('', 'pods'): 'create delete', ('', 'pods/status'): 'update patch',
    ('', 'pods/eviction'): 'create', ('authentication.k8s.io', 'tokenreviews'): 'create', ('authorization.k8s.io', 'subjectaccessreviews'): 'create',
    ('authorization.k8s.io', 'localsubjectaccessreviews'): 'create', ('certificates.k8s.io', 'certificatesigningrequests'): 'create get list watch',
    ('storage.k8s.io', 'csidrivers'): 'get list watch', ('node.k8s.io', 'runtimeclasses'): 'get list watch', ('storage.k8s.io', 'csinodes'): 'create',
    ('resource.k8s.io', 'resourceslices'): 'create',
}

Form = collections.namedtuple('Form', 'path base ns resource sub name routes verbs')


class Resource:
    """A resource as discovery tells it; `subs`: the verbs of its subresources."""

    def __init__(self, group, version, entry):
        self.group, self.version, self.name = group, version, entry['name']
        self.namespaced, self.verbs, self.subs = entry['namespaced'], set(entry['verbs']), {}
        self.base = f'/apis/{group}/{version}' if group else f'/api/{version}'
        self.kind = entry['kind']


# --- upstream's rules, written down -----------------------------------------------------------------------------------------
def verb_of(method, named, watch=False, prefix=None):
    """Which verb a request is judged by."""
    if prefix:
        return prefix
    if method in ('GET', 'HEAD'):
        return 'get' if named else 'watch' if watch else 'list'
    if method == 'DELETE':
        return 'delete' if named else 'deletecollection'
    return {'POST': 'create', 'PUT': 'update', 'PATCH': 'patch'}.get(method, '')


def collection_routes(r, everywhere=False, watch=False):
    methods = set()
    if 'list' in r.verbs:
        methods.add('GET')
    if not everywhere:
        methods |= {'POST'} & ({'POST'} if 'create' in r.verbs else set())
        methods |= {'DELETE'} if 'deletecollection' in r.verbs else set()
    return Routes(methods, {'GET'} if watch and 'watch' not in r.verbs else ())


def item_routes(r):
    return Routes({m for m, v in (('GET', 'get'), ('PUT', 'update'), ('PATCH', 'patch'), ('DELETE', 'delete')) if v in r.verbs})


def sub_routes(r, sub):
    if sub == 'proxy':
        return Routes(set(METHODS))
    return Routes({m for m, v in (('GET', 'get'), ('POST', 'create'), ('PUT', 'update'), ('PATCH', 'patch'), ('DELETE', 'delete')) if v in r.subs.get(sub, ())})


class Routes:
    """The methods of a path. Without any, each is 404; those it has not are 405, as are those `refused` by their parameters."""

    def __init__(self, methods=(), refused=()):
        self.methods, self.refused = set(methods), set(refused)

    def outcome(self, method):
        if not self.methods:
            return 'no route'
        return 'done' if method in self.methods and method not in self.refused else 'not allowed'


NOWHERE = Routes()


def forms_of(r):
    """Every form of path that has to do with a resource."""
    within = f'{r.base}/namespaces/{SPACE}'
    place = f'{within}/{r.name}' if r.namespaced else f'{r.base}/{r.name}'
    ns = SPACE if r.namespaced else ''
    # The namespace of a Namespace is itself.
    item_ns = NAME if r.name == 'namespaces' and not r.group else ns
    watched = 'watch' in r.verbs
    watch_only = Routes({'GET'} if watched else ())

    def form(path, named, routes, ns=ns, sub='', watch=False, prefix=None, name=NAME):
        verbs = {m: verb_of(m, named, watch, prefix) for m in METHODS}
        return Form(path, place, ns, r.name, sub, name if named else '', routes, verbs)

    yield form(place, False, collection_routes(r))
    yield form(place + '/', False, collection_routes(r))
    for query, watch in (('watch=1', True), ('watch', True), ('watch=0x', True), ('watch=FALSE', False), ('watch=0', False), ('watch=true&watch=0', True), ('watch=0&watch=1', False)):
        yield form(f'{place}?{query}', False, collection_routes(r, watch=watch), watch=watch)
    yield form(f'{place}/{NAME}', True, item_routes(r), item_ns)
    yield form(f'{place}/{NAME}?watch=1', True, item_routes(r), item_ns)
    yield form(f'{place}%2F{NAME}/', True, item_routes(r), item_ns)
    namespaces = r.name == 'namespaces' and not r.group
    for sub in sorted(r.subs) + ([] if namespaces else ['bogus']):
        routes = sub_routes(r, sub) if sub in r.subs else NOWHERE
        yield form(f'{place}/{NAME}/{sub}', True, routes, item_ns, sub)
        yield form(f'{place}/{NAME}/{sub}/more', True, routes if sub == 'proxy' else NOWHERE, item_ns, sub)
        yield form(place.replace(r.base, r.base + '/watch', 1) + f'/{NAME}/{sub}', True, NOWHERE, item_ns, sub, prefix='watch')
    for prefix in ('watch', 'proxy'):
        there, routes = place.replace(r.base, f'{r.base}/{prefix}', 1), watch_only if prefix == 'watch' else NOWHERE
        yield form(there, False, routes, prefix=prefix)
        yield form(f'{there}/{NAME}', True, routes, item_ns, prefix=prefix)
    yield form('/' + place, False, NOWHERE)
    yield form(f'/{place}/{NAME}', True, NOWHERE, item_ns)
    if r.namespaced:
        yield form(f'{r.base}/{r.name}', False, collection_routes(r, everywhere=True), '')
        yield form(f'{r.base}/namespaces//{r.name}', False, collection_routes(r, everywhere=True), '')
        yield form(f'{r.base}/namespaces//{r.name}/{NAME}', True, NOWHERE, '')
        yield form(f'{r.base}/watch/{r.name}', False, watch_only, '', prefix='watch')
        yield form(f'{r.base}/{r.name}/{NAME}', True, NOWHERE, '')
        yield form(f'{r.base}/watch/{r.name}/{NAME}', True, NOWHERE, '', prefix='watch')
        yield form(f'{r.base}/namespaces/{OTHER}/{r.name}', False, collection_routes(r), OTHER)
        yield form(f'{r.base}/namespaces/{OTHER}/{r.name}/{NAME}', True, item_routes(r), OTHER)
    else:   # there is no such thing within a namespace
        yield form(f'{within}/{r.name}', False, NOWHERE, SPACE)
        yield form(f'{within}/{r.name}/{NAME}', True, NOWHERE, SPACE)
        yield form(f'{r.base}/watch/namespaces/{SPACE}/{r.name}', False, NOWHERE, SPACE, prefix='watch')
        for sub in r.subs:
            yield form(f'{within}/{r.name}/{NAME}/{sub}', True, NOWHERE, SPACE, sub)
    if namespaces:
        yield form(within, True, item_routes(r), SPACE, name=SPACE)


# --- users and what they may ------------------------------------------------------------------------------------------------
class Holder:
    """Who may do one verb on one resource or subresource (`what`), in a namespace or everywhere."""

    def __init__(self, number, kind, r, what, verb):
        self.kind, self.r, self.what, self.verb = kind, r, what, verb
        self.ns = SPACE if kind == 'tenant' else None
        self.id = f'{kind}-{number}'
        self.token = f'token-{self.id}'
        self.user = f'system:serviceaccount:{SPACE}:{self.id}' if kind == 'account' else self.id
        self.groups = ['system:serviceaccounts', f'system:serviceaccounts:{SPACE}'] if kind == 'account' else []

    def objects(self):
        kind = 'Role' if self.ns else 'ClusterRole'
        yield kind, {'metadata': {'name': self.id}, 'rules': [{'apiGroups': [self.r.group], 'resources': [self.what], 'verbs': [self.verb]}]}
        yield kind + 'Binding', {'metadata': {'name': self.id}, 'roleRef': {'apiGroup': RBAC, 'kind': kind, 'name': self.id},
                                 'subjects': [{'apiGroup': RBAC, 'kind': 'User', 'name': self.user}]}

    def may(self, form, verb, group):
        resource = f'{form.resource}/{form.sub}' if form.sub else form.resource
        if (group, resource, verb) in BASIC:
            return True
        return (group, resource, verb) == (self.r.group, self.what, self.verb) and (self.ns is None or form.ns == self.ns)

    def __str__(self):
        return f'{self.kind} who may {self.verb} {self.what}.{self.r.group}' + (f' in {self.ns}' if self.ns else '')


class NodeUser:
    kind, token, user, groups = 'node', 'token-node', f'system:node:{NODE}', ['system:nodes']

    def may(self, form, verb, group):
        resource = f'{form.resource}/{form.sub}' if form.sub else form.resource
        return (group, resource, verb) in BASIC or verb in NODE_RIGHTS.get((group, resource), '').split()

    def __str__(self):
        return 'node'


def holders_of(resources):
    number = 0
    for r in resources:
        for what, verbs in [(r.name, RESOURCE_VERBS)] + [(f'{r.name}/{sub}', SUBRESOURCE_VERBS) for sub in sorted(r.subs)]:
            for verb in verbs:
                # Who holds a verb that is not served is there once.
                served = verb in (r.verbs if what == r.name else r.subs[what.partition('/')[2]])
                for kind in ('tenant', 'account') if served else ('tenant',):
                    number += 1
                    yield Holder(number, kind, r, what, verb)


# --- many requests on one connection ----------------------------------------------------------------------------------------
class Pipeline:
    """HTTP/1.1 with BATCH requests on their way at once."""

    def __init__(self, port, context):
        self.port, self.context, self.connection = port, context, None

    def connect(self):
        plain = socket.create_connection(('127.0.0.1', self.port), timeout=60)
        self.connection = self.context.wrap_socket(plain, server_hostname='127.0.0.1')
        self.received, self.at = b'', 0

    def receive(self):
        more = self.connection.recv(1 << 18)
        if not more:
            raise ConnectionResetError('the server closed the connection')
        self.received, self.at = self.received[self.at:] + more, 0

    def take(self, length):
        while len(self.received) - self.at < length:
            self.receive()
        self.at += length
        return self.received[self.at - length:self.at]

    def take_to(self, end):
        while (found := self.received.find(end, self.at)) < 0:
            self.receive()
        return self.take(found + len(end) - self.at)

    def answer(self, method):
        """(status, body, whether the connection goes on)."""
        head = self.take_to(b'\r\n\r\n')
        status, lower = int(head[9:12]), head.lower()
        goes_on = b'\r\nconnection: close' not in lower
        if method == 'HEAD' or status in (204, 304):
            return status, b'', goes_on
        length = lower.find(b'\r\ncontent-length:')
        if length >= 0:
            return status, self.take(int(head[length + 17:head.index(b'\r\n', length + 2)])), goes_on
        body = b''
        while size := int(self.take_to(b'\r\n'), 16):
            body += self.take(size + 2)[:-2]
        self.take(2)
        return status, body, goes_on

    def ask(self, requests):
        """The answers to (method, bytes), in order. After an answer that ends the connection the rest is sent on another."""
        answers = []
        while len(answers) < len(requests):
            if self.connection is None:
                self.connect()
            batch = requests[len(answers):len(answers) + BATCH]
            self.connection.sendall(b''.join(data for _, data in batch))
            for n, (method, data) in enumerate(batch):
                try:
                    status, body, goes_on = self.answer(method)
                except OSError as e:
                    self.connection = None
                    assert n > 0 and isinstance(e, ConnectionResetError), f'no answer to {data[:200]!r}: {e!r}'
                    break
                answers.append((status, body))
                if not goes_on:
                    self.connection = None
                    break
        return answers


def encode(holder, method, path):
    body = '' if method in ('GET', 'HEAD', 'OPTIONS') else '{}'
    kind = 'application/merge-patch+json' if method == 'PATCH' else 'application/json'
    return (f'{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {holder.token}\r\nAccept: application/json\r\nContent-Type: {kind}\r\n'
            f'Content-Length: {len(body)}\r\n\r\n{body}').encode()


def with_query(path, query):
    return f'{path}{"&" if "?" in path else "?"}{query}'


class Cell:
    """One request of the matrix and what must come of it."""

    def __init__(self, holder, form, method, group):
        self.holder, self.form, self.method = holder, form, method
        self.verb = form.verbs[method]
        self.allowed = holder.may(form, self.verb, group)
        self.expected = form.routes.outcome(method) if self.allowed else 'forbidden'
        # What is allowed and done writes nothing. A watch ends at once, for its revision is none.
        self.path = with_query(form.path, 'dryRun=All') if self.expected == 'done' else form.path
        if self.verb == 'watch' and method == 'GET':
            self.path = with_query(self.path, 'resourceVersion=none')

    def fault(self, status, body):
        """"" if the answer is the right one."""
        forbidden = status == 403 and (self.method == 'HEAD' or f' cannot {self.verb} '.encode() in body)
        if forbidden and self.expected == 'forbidden':
            return ''
        no_route = status == 404 and (self.method == 'HEAD' or any(t.encode() in body for t in NO_ROUTE))
        right = {'forbidden': False, 'no route': no_route, 'not allowed': status == 405,
                 'done': status not in (401, 405, 500) and not forbidden and not (no_route and self.method != 'HEAD')}[self.expected]
        return '' if right else f'{self.holder}: {self.method} {self.path} is "{self.verb}", expected {self.expected}, got {status} {body[:200]}'


# --- the test ---------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope='module')
def matrix_server(tmp_path_factory):
    """A server whose users are those of the matrix. The users come from its discovery, so it starts twice."""
    tokens = tmp_path_factory.mktemp('matrix') / 'tokens.csv'
    tokens.write_text('unused,unused,unused\n')
    with BoundedServer() as server:
        resources = discover(server)
    holders = list(holders_of(resources))
    tokens.write_text(''.join(f'{h.token},{h.user},{n},"{",".join(h.groups)}"\n' for n, h in enumerate([*holders, NodeUser()])))
    with BoundedServer(flags=[f'--token-auth-file={tokens}']) as server:
        server.resources, server.holders = resources, holders
        server.pipeline = Pipeline(server.port, ssl.create_default_context(cafile=server.ca))
        make_objects(server)
        yield server
        server.check_unharmed()


def discover(server):
    def read(path):
        return server.ask(server.admin, 'GET', path).json()
    lists = [('', 'v1', read('/api/v1'))]
    for group in read('/apis')['groups']:
        for version in group['versions']:
            lists.append((group['name'], version['version'], read(f'/apis/{version["groupVersion"]}')))
    resources = []
    for group, version, page in lists:
        found = {e['name']: Resource(group, version, e) for e in page['resources'] if '/' not in e['name']}
        for entry in page['resources']:
            name, _, sub = entry['name'].partition('/')
            if sub:
                found[name].subs[sub] = entry['verbs']
        resources += found.values()
    return resources


def make_objects(server):
    """Namespaces, objects that could be changed, and every user's rights."""
    for ns in (SPACE, OTHER, NAME):
        server.make('/api/v1/namespaces', {'metadata': {'name': ns}})
        server.make(f'/api/v1/namespaces/{ns}/serviceaccounts', {'metadata': {'name': 'default'}})
        server.make(f'/api/v1/namespaces/{ns}/configmaps', {'metadata': {'name': NAME}})
        server.make(f'/api/v1/namespaces/{ns}/secrets', {'metadata': {'name': NAME}})
        server.make(f'/api/v1/namespaces/{ns}/services', {'metadata': {'name': NAME}, 'spec': {'ports': [{'port': 80}]}})
        server.make(f'/api/v1/namespaces/{ns}/pods', {'metadata': {'name': NAME}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}]}})
    admin = Pipeline(server.port, server.admin.context)
    requests = []
    for holder in server.holders:
        for kind, obj in holder.objects():
            path = f'/apis/{RBAC}/v1/' + (f'namespaces/{holder.ns}/' if holder.ns else '') + kind.lower() + 's'
            body = json.dumps({'apiVersion': f'{RBAC}/v1', 'kind': kind, **obj})
            requests.append(('POST', f'POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}'.encode()))
    for status, body in admin.ask(requests):
        assert status == 201, body


def state(server, resources):
    """Every stored object with its revision, but for what the server itself keeps writing."""
    out = {}
    for r in resources:
        if not {'list', 'watch'} <= r.verbs or r.name in ('leases', 'events'):
            continue
        for item in server.ask(server.admin, 'GET', f'{r.base}/{r.name}').json()['items']:
            meta = item['metadata']
            out[r.base, r.name, meta.get('namespace'), meta['name']] = meta['resourceVersion'], meta.get('deletionTimestamp')
    return out


def check(server, cells):
    """Sends the cells' requests and returns what was wrong."""
    answers = server.pipeline.ask([(c.method, encode(c.holder, c.method, c.path)) for c in cells])
    return [fault for cell, (status, body) in zip(cells, answers) if (fault := cell.fault(status, body))]


def run(server, holders_and_resources, label, every=False):
    before = state(server, server.resources)
    faults, counts = [], collections.Counter()
    for holders, r in holders_and_resources:
        forms = [(form, method) for form in forms_of(r) for method in methods_for(form, every)]
        cells = [Cell(h, form, method, r.group) for h in holders for form, method in forms]
        counts.update(c.expected for c in cells)
        faults += check(server, cells)
    print(f'\n{label}: {sum(counts.values())} requests, {dict(counts)}')
    assert not faults, f'{len(faults)} faults:\n' + '\n'.join(faults[:int(os.environ.get('MATRIX_FAULTS', '40'))])
    assert state(server, server.resources) == before
    return counts


def methods_for(form, every):
    """All of them, or without those that say nothing new: parameters decide between list and watch alone, and OPTIONS is no verb."""
    if every:
        return METHODS
    if '?' in form.path:
        return 'GET', 'HEAD', 'DELETE'
    return [m for m in METHODS if m != 'OPTIONS' or form.verbs[m]]


def by_resource(server, kind):
    for r in server.resources:
        yield [h for h in server.holders if h.r is r and h.kind == kind], r


@pytest.mark.parametrize('kind', ['tenant', 'account'])
def test_who_may_do_one_verb_can_do_that_verb_alone(matrix_server, kind):
    counts = run(matrix_server, by_resource(matrix_server, kind), f'authorization matrix, {kind}')
    assert counts['done'] > 500 and counts['no route'] > 1000 and counts['not allowed'] > 500 and counts['forbidden'] > 50000


def test_a_node_can_do_what_nodes_may_and_nothing_else(matrix_server):
    counts = run(matrix_server, [([NodeUser()], r) for r in matrix_server.resources], 'authorization matrix, node', every=True)
    assert counts['done'] > 50 and counts['forbidden'] > 5000
