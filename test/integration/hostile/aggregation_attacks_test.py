"""What an aggregated server may do to this one, and to its clients: nothing. It hangs, never ends, lies, redirects, claims the groups of others and says it is
somebody else; every other group goes on, memory is bounded, and nobody gets a name by it."""
import concurrent.futures
import contextlib
import json
import socket
import ssl
import threading
import time

import pytest
import yaml

from support.aggregated import DISCOVERY, GROUP, AggregatedServer, front_proxy_flags
from support.cluster import Pki, run, wait_for
from support.hostile import BoundedServer, User
from support.netns import own_network

ADDRESS = '203.0.113.9'
ROOT = f'/apis/{GROUP}/v1'
THINGS = f'{ROOT}/namespaces/default/flunders'
DISCOVERY_BYTES_MAX = 2 << 20


class Attacked:
    def __init__(self):
        self.bounded = BoundedServer()
        self.server = self.bounded.server
        self.proxies, flags = front_proxy_flags(self.server.pki)
        self.server.flags += [*flags, '--enable-aggregator-routing=true']
        self.backend = AggregatedServer(self.server.pki, self.proxies.ca, ADDRESS)

    def condition(self):
        service = json.loads(self.server.kubectl('get', 'apiservice', f'v1.{GROUP}', '-o', 'json'))
        return next((c for c in service.get('status', {}).get('conditions', []) if c['type'] == 'Available'), {})

    def look_again(self):
        self.server.kubectl('-n', 'aggregated', 'annotate', 'service', 'backend', f'look={time.monotonic()}', '--overwrite')

    def await_reason(self, reason):
        wait_for(lambda: self.condition().get('reason') == reason, f'{reason}; it is {self.condition()}', timeout_s=90)

    def ask(self, path, headers=None, context=None):
        return self.bounded.ask(User('admin', (), context or self.server.context), 'GET', path, headers=headers)

    @contextlib.contextmanager
    def behaving(self, behaviour):
        self.backend.behaviour = behaviour
        try:
            yield
        finally:
            self.backend.behaviour = None

    def others_are_served(self):
        began = time.monotonic()
        groups = json.loads(self.server.get('/apis'))['groups']
        assert {'apps', 'batch', 'rbac.authorization.k8s.io', GROUP} <= {g['name'] for g in groups}
        listed = json.loads(self.server.get('/apis/apps/v1'))
        assert listed['kind'] == 'APIResourceList' and 'deployments' in [r['name'] for r in listed['resources']]
        assert json.loads(self.server.get('/openapi/v3'))['paths']['apis/apps/v1']['serverRelativeURL'].startswith('/openapi/v3/apis/apps/v1?hash=')
        assert time.monotonic() - began < 5
        return groups


@pytest.fixture(scope='module')
def world():
    with own_network():
        run('ip', 'addr', 'add', f'{ADDRESS}/32', 'dev', 'lo')
        w = Attacked()
        with w.backend, w.bounded:
            w.server.kubectl('create', '-f', '-', stdin=w.backend.registered())
            w.await_reason('Passed')
            yield w


@pytest.fixture(autouse=True)
def unharmed(world):
    yield
    world.backend.behaviour = None
    world.look_again()
    world.await_reason('Passed')
    world.others_are_served()
    world.bounded.check_unharmed()


def hang(handler, ended):
    """Says nothing until then, and nothing afterwards."""
    ended.wait(60)
    handler.close_connection = True
    return True


def endless(handler, content_type='application/json', start=b'{"items":["'):
    """An answer that never ends; returns when nobody listens."""
    handler.send_response(200)
    handler.send_header('Content-Type', content_type)
    handler.send_header('Transfer-Encoding', 'chunked')
    handler.end_headers()
    handler.close_connection = True
    piece = start
    try:
        while True:
            handler.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
            piece = b'a' * 65536
    except OSError:
        return True


def test_checks_that_hang_or_never_end(world):
    ended = threading.Event()
    with world.behaving(lambda handler, asked: hang(handler, ended) if asked['path'] == ROOT else False):
        world.look_again()
        world.await_reason('FailedDiscoveryCheck')
        world.others_are_served()
        ended.set()
    with world.behaving(lambda handler, asked: endless(handler) if asked['path'] == ROOT else False):
        world.look_again()
        wait_for(lambda: str(DISCOVERY_BYTES_MAX) in world.condition()['message'], f'a word about the size; it is {world.condition()}', timeout_s=60)
        world.others_are_served()


GARBAGE = {
    'no JSON': b'<html>', 'broken': b'{"items":[{"metadata":', 'deep': b'[' * 1000000, 'binary': bytes(range(256)) * 1000, 'empty': b'', 'a number': b'1', 'wrong types': b'{"items":{"metadata":1}}',
    'many resources': b'{"items":[{"metadata":{"name":"%s"},"versions":[{"version":"v1","resources":[%s]}]}]}' % (GROUP.encode(), b','.join([b'{}'] * 650000)),
    'other groups': json.dumps({'items': [{'metadata': {'name': g}, 'versions': [{'version': 'v1', 'resources': [{'resource': 'stolen', 'scope': 'Cluster', 'verbs': ['get']}]}]}
                                          for g in ('apps', '', 'rbac.authorization.k8s.io', 'new.example.com')]}).encode()}


@pytest.mark.parametrize('name', GARBAGE)
def test_discovery_that_is_garbage(world, name):
    """Whatever it says, of its own group it tells nothing, and of other groups nobody hears."""
    asked = threading.Event()

    def lie(handler, seen):
        if seen['path'] == '/apis':
            handler.answer(200, GARBAGE[name], DISCOVERY)
            asked.set()
            return True
        return False
    with world.behaving(lie):
        world.server.kubectl('patch', 'apiservice', f'v1.{GROUP}', '--type=merge', '-p', json.dumps({'spec': {'versionPriority': 16 + list(GARBAGE).index(name)}}))   # asked anew
        assert asked.wait(60)
        world.await_reason('Passed')
        listed = json.loads(world.ask('/apis', headers={'Accept': DISCOVERY}).body)
        names = [g['metadata']['name'] for g in listed['items']]
        assert 'new.example.com' not in names and 'stolen' not in json.dumps(listed)
        assert names.count(GROUP) == 1 and names.count('apps') == 1
        world.others_are_served()


def test_documents_that_never_end(world):
    seen = []

    def attack(handler, asked):
        if not asked['path'].startswith('/openapi/') and asked['path'] != '/apis':
            return False
        seen.append(asked['path'])
        return endless(handler, DISCOVERY if asked['path'] == '/apis' else 'application/json')
    with world.behaving(attack):
        world.server.kubectl('patch', 'apiservice', f'v1.{GROUP}', '--type=merge', '-p', '{"spec":{"versionPriority":40}}')
        wait_for(lambda: '/apis' in seen, 'discovery', timeout_s=60)
        world.others_are_served()
    seen.clear()
    with world.behaving(lambda handler, asked: attack(handler, asked) if asked['path'] != '/apis' else False):
        world.server.kubectl('patch', 'apiservice', f'v1.{GROUP}', '--type=merge', '-p', '{"spec":{"versionPriority":41}}')
        wait_for(lambda: {'/openapi/v2', '/openapi/v3'} <= set(seen), 'OpenAPI', timeout_s=90)
        world.others_are_served()
        assert world.ask('/openapi/v2').status == 200


def test_redirects_lead_nowhere(world):
    with world.behaving(lambda handler, asked: handler.answer(302, '', Location=f'https://127.0.0.1:{world.server.port}/api/v1/secrets') or True):
        world.look_again()
        world.await_reason('FailedDiscoveryCheck')
        assert world.condition()['message'].endswith(': 302')
        world.others_are_served()


def test_answers_that_hang_hold_nobody(world):
    """Clients of a server that hangs wait; those of others do not, and the seats are shared as always."""
    ended = threading.Event()
    with world.behaving(lambda handler, asked: hang(handler, ended) if asked['path'].endswith('/flunders') else False), concurrent.futures.ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(world.ask, THINGS) for _ in range(40)]
        wait_for(lambda: sum(a['path'] == THINGS for a in world.backend.asked) >= 40, 'forty requests')
        world.others_are_served()
        ended.set()
        assert len([w.result() for w in waiting]) == 40


def test_an_endless_answer_is_passed_on_and_not_kept(world):
    with world.behaving(lambda handler, asked: endless(handler) if asked['path'] == THINGS else False):
        with socket.create_connection(('127.0.0.1', world.server.port)) as plain, world.server.context.wrap_socket(plain, server_hostname='localhost') as s:
            s.sendall(f'GET {THINGS} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
            got = 0
            while got < 64 << 20:
                data = s.recv(1 << 20)
                assert data
                got += len(data)
        world.others_are_served()


def test_answers_that_are_no_http(world):
    def nonsense(handler, asked):
        if asked['path'] != THINGS:
            return False
        handler.close_connection = True
        handler.connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\nX: \x00\r\n\r\nhello')
        return True
    with world.behaving(nonsense):
        answer = world.ask(THINGS)
        assert answer.status == 503 and answer.body.startswith(b'error trying to reach service: ')


def test_headers_of_an_answer_are_its_own(world):
    """What this server says of itself, another one does not say."""
    with world.behaving(lambda handler, asked: handler.answer(200, '{}', **{'Audit-Id': 'made-up', 'X-Kubernetes-PF-FlowSchema-UID': 'made-up', 'Connection': 'X-Kept', 'X-Kept': '1'}) or True
                        if asked['path'] == THINGS else False):
        answer = world.ask(THINGS)
        assert answer.status == 200 and 'made-up' not in str(answer.headers) and 'X-Kept' not in answer.headers


def test_nobody_is_a_front_proxy_by_saying_so(world):
    """By header, certificate, protocol or path: a client is who its own credentials say."""
    server = world.server
    other = Pki(server.folder / 'other-authority')
    other.issue('front-proxy-client', '/CN=front-proxy-client')
    server.pki.issue('front-proxy-client', '/CN=front-proxy-client')
    world.proxies.issue('wrong-name', '/CN=kube-apiserver')
    world.proxies.issue('serving', '/CN=front-proxy-client', 'extendedKeyUsage=serverAuth')
    headers = {'X-Remote-User': 'system:admin', 'X-Remote-Group': 'system:masters', 'x_remote_user': 'system:admin', 'X-Remote-Uid': '0'}
    for pki, name, want in ((None, None, {403}), (other, 'front-proxy-client', {401}), (server.pki, 'front-proxy-client', {403}), (world.proxies, 'wrong-name', {401}), (world.proxies, 'serving', {401})):
        context = ssl.create_default_context(cafile=server.pki.ca)
        if pki:
            context.load_cert_chain(pki.path(f'{name}.crt'), pki.path(f'{name}.key'))
        for path in ('/api/v1/secrets', THINGS, '/metrics'):
            answer = world.ask(path, headers, context)
            assert answer.status in want, (name, path, answer)


def test_many_services_that_lead_nowhere(world):
    """Two hundred APIServices whose server does not answer: checks are few at once, and everything else goes on."""
    objects = [{**world.backend.api_service(), 'metadata': {'name': f'v1.g{i}.example.com'}} for i in range(200)]
    for i, o in enumerate(objects):
        o['spec'] = {**o['spec'], 'group': f'g{i}.example.com', 'service': {'namespace': 'aggregated', 'name': 'nowhere'}}
    nowhere = [{**world.backend.service_object(), 'metadata': {'name': 'nowhere', 'namespace': 'aggregated'}},
               {**world.backend.slice(), 'metadata': {'name': 'nowhere-1', 'namespace': 'aggregated', 'labels': {'kubernetes.io/service-name': 'nowhere'}}}]
    held = socket.create_server((ADDRESS, 0), backlog=1)    # takes connections and says nothing
    nowhere[1]['ports'][0]['port'] = held.getsockname()[1]
    try:
        world.server.kubectl('create', '-f', '-', stdin=yaml.safe_dump_all(nowhere + objects))
        wait_for(lambda: '"FailedDiscoveryCheck"' in world.server.kubectl('get', 'apiservices', '-o', 'json'), 'the first verdict', timeout_s=60)
        for _ in range(5):
            world.others_are_served()
    finally:
        held.close()
        world.server.kubectl('delete', 'apiservice', *[o['metadata']['name'] for o in objects])
        world.server.kubectl('-n', 'aggregated', 'delete', 'service/nowhere', 'endpointslice/nowhere-1')
