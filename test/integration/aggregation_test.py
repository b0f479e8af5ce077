"""An API server behind this one: found, asked, told of, and reached in its user's name; whoever is no front proxy names nobody. What clients see
is what they see of upstream's, beside which the same is done.

The servers run in a network of their own, where 203.0.113.8 is an address of this machine that an EndpointSlice may name."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import socket
import ssl
import urllib.parse

import pytest
import yaml
from support.aggregated import GROUP, PATCH, AggregatedServer, ca_bundle, front_proxy_flags
from support.cluster import ApiServer, run, wait_for
from support.netns import own_network
from support.peers import PEERS, lacking

ADDRESS = '203.0.113.8'
ROOT_PATH = f'/apis/{GROUP}/v1'
THINGS = f'{ROOT_PATH}/namespaces/default/flunders'
TOKENS = 'token-of-jane,jane,uid-of-jane,"devs,ops"\n'


@pytest.fixture(scope='module', autouse=True)
def network():
    with own_network():
        run('ip', 'addr', 'add', f'{ADDRESS}/32', 'dev', 'lo')
        yield


class World:
    """An API server, and an aggregated one that it knows."""

    def __init__(self, upstream=None):
        self.server = ApiServer(upstream=upstream)
        tokens = pathlib.Path(self.server.pki.path('tokens.csv'))
        tokens.write_text(TOKENS)
        self.proxies, flags = front_proxy_flags(self.server.pki)
        self.server.flags += [*flags, '--enable-aggregator-routing=true', f'--token-auth-file={tokens}']
        self.backend = AggregatedServer(self.server.pki, self.proxies.ca, ADDRESS)
        self.backend.adds_kinds = not upstream  # upstream panics where its own definition has no kinds

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.backend)
            stack.enter_context(self.server)
            self.server.kubectl('create', '-f', '-', stdin=self.backend.registered())
            self.await_available('True', 'Passed')
            self.server.kubectl('create', '-f', '-', stdin=yaml.safe_dump_all([
                {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRole', 'metadata': {'name': 'flunders'}, 'rules': [
                    {'apiGroups': [GROUP], 'resources': ['flunders', 'flunders/echo', 'flunders/shell'], 'verbs': ['*']}, {'nonResourceURLs': [ROOT_PATH], 'verbs': ['get']}]},
                {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRoleBinding', 'metadata': {'name': 'flunders'},
                 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': 'flunders'}, 'subjects': [{'kind': 'User', 'name': 'jane'}]}]))
            wait_for(lambda: self.ask('GET', THINGS, token='token-of-jane')[0] == 200, 'the rights of jane')
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def condition(self):
        service = json.loads(self.server.kubectl('get', 'apiservice', f'v1.{GROUP}', '-o', 'json'))
        return next((c for c in service.get('status', {}).get('conditions', []) if c['type'] == 'Available'), {})

    def await_available(self, status, reason):
        wait_for(lambda: (self.condition().get('status'), self.condition().get('reason')) == (status, reason), f'{reason}; it is {self.condition()}', timeout_s=70)

    def ask(self, method, path, body=None, token=None, headers=(), context=None):
        """(status, headers, body) over HTTP/1.1; as the administrator unless a token or a context says otherwise."""
        plain = ssl.create_default_context(cafile=self.server.pki.ca)
        connection = http.client.HTTPSConnection('127.0.0.1', self.server.port, context=context or (plain if token else self.server.context), timeout=30)
        try:
            connection.putrequest(method, path)
            for name, value in [*headers, *([('Authorization', f'Bearer {token}')] if token else []), *([('Content-Length', str(len(body)))] if body else [])]:
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def discovered(self):
        return json.loads(self.ask('GET', '/apis', headers=[('Accept', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')])[2])

    def discovered_version(self):
        groups = {g['metadata']['name']: g for g in self.discovered()['items']}
        return groups.get(GROUP, {'versions': [{}]})['versions'][0]


@pytest.fixture(scope='module')
def world(network):
    with World(os.environ.get('PEERS')) as w:
        yield w
        if not w.server.upstream:
            w.server.check_held()


def names(headers, wanted):
    return [v for k, v in headers if k.lower() == wanted.lower()]


def test_objects_by_kubectl(world):
    flunder = {'apiVersion': f'{GROUP}/v1', 'kind': 'Flunder', 'metadata': {'name': 'one'}, 'spec': 'much'}
    kubectl = world.server.kubectl
    kubectl('create', '-f', '-', '--validate=false', stdin=json.dumps(flunder))
    assert kubectl('get', 'fl', '-o', 'name') == f'flunder.{GROUP}/one\n'
    assert json.loads(kubectl('get', 'flunder', 'one', '-o', 'json'))['spec'] == 'much'
    assert 'NAME' in kubectl('get', 'flunders', '-A')
    assert f'flunders   fl           {GROUP}/v1' in kubectl('api-resources', f'--api-group={GROUP}')
    assert 'spec says it all' in kubectl('explain', 'flunder.spec')
    assert kubectl('get', 'apiservices', f'v1.{GROUP}', '--no-headers').split()[:3] == [f'v1.{GROUP}', 'aggregated/backend', 'True']
    kubectl('delete', 'flunder', 'one')
    assert world.ask('GET', THINGS + '/one')[0] == 404


def test_in_whose_name(world):
    sent = [('X-Remote-User', 'admin'), ('X-Remote-Group', 'system:masters'), ('x-remote-extra-a', 'b'), ('Connection', 'X-Mine, close'), ('X-Mine', '1'),
            ('Keep-Alive', '1'), ('X-Other', 'yes'), ('Proxy-Authorization', 'secret')]
    status, headers, body = world.ask('GET', f'{THINGS}/a/echo?b=2&a=1&a=%20x', token='token-of-jane', headers=sent)
    asked = json.loads(body)
    told = asked['headers']
    assert status == 200 and asked['proxy'] == 'front-proxy-client'
    assert names(told, 'X-Remote-User') == ['jane'] and names(told, 'X-Remote-Uid') == ['uid-of-jane']
    assert sorted(names(told, 'X-Remote-Group')) == ['devs', 'ops', 'system:authenticated']
    for name in ('X-Remote-Extra-a', 'Authorization', 'X-Mine', 'Keep-Alive', 'Proxy-Authorization', 'Connection'):
        assert names(told, name) == [], name
    assert names(told, 'X-Other') == ['yes'] and names(told, 'Host') == [f'{ADDRESS}:{world.backend.port}'] and names(told, 'X-Forwarded-For') == ['127.0.0.1']
    assert urllib.parse.parse_qs(asked['query']) == {'a': ['1', ' x'], 'b': ['2']}
    assert headers.get_all('Audit-Id') and len(headers.get_all('Audit-Id')) == 1 and names(told, 'Audit-Id') == headers.get_all('Audit-Id')
    extra = [('Impersonate-User', 'joe'), ('Impersonate-Group', 'them'), ('Impersonate-Extra-example.com%2Fa%20b', 'c'), ('Impersonate-Uid', '9')]
    told = json.loads(world.ask('GET', f'{THINGS}/a/echo', headers=[*extra])[2])
    assert told.get('code') == 403, 'joe has no right of his own'
    extra[0] = ('Impersonate-User', 'jane')
    told = json.loads(world.ask('GET', f'{THINGS}/a/echo', headers=extra)[2])['headers']
    assert names(told, 'X-Remote-User') == ['jane'] and names(told, 'X-Remote-Uid') == ['9'] and names(told, 'X-Remote-Extra-example.com%2fa%20b') == ['c']
    assert not [k for k, _ in told if k.lower().startswith('impersonate-')]


def test_paths_are_those_that_were_authorized(world):
    before = len(world.backend.asked)
    for path in (f'{ROOT_PATH}/namespaces/default/others/a', f'{ROOT_PATH}/namespaces/default/flunders%2f..%2fothers/echo', f'{ROOT_PATH}/namespaces%2Fdefault%2Fothers',
                 f'/apis/{GROUP}/v2/others'):
        assert world.ask('GET', path, token='token-of-jane')[0] == 403, path
    assert not [a for a in world.backend.asked[before:] if 'jane' in names(a['headers'], 'X-Remote-User')]
    assert world.ask('GET', f'{ROOT_PATH}/', token='token-of-jane')[0] == 404 and world.backend.asked[-1]['path'] == f'{ROOT_PATH}/'
    assert world.ask('GET', f'/apis/{GROUP}/v1x', token='token-of-jane')[0] == 404 and world.backend.asked[-1]['path'] != f'/apis/{GROUP}/v1x'
    assert world.ask('GET', ROOT_PATH, token='token-of-jane')[0] == 200
    assert world.ask('GET', f'/apis/{GROUP}/v2/flunders')[0] == 404
    asked = json.loads(world.ask('GET', f'{THINGS}/a%20b%25/echo')[2])
    assert asked['path'] == f'{THINGS}/a%20b%25/echo'


@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])
def test_every_method(world, method):
    body = None if method in ('GET', 'HEAD', 'OPTIONS') else b'{"a":1}'
    status, _, answer = world.ask(method, f'{THINGS}/a/echo', body=body)
    assert status == 200
    asked = world.backend.asked[-1]
    assert asked['method'] == method and asked['body'] == (body or b'').decode()


def test_large_bodies_pass(world):
    body = b'x' * (8 << 20)
    assert world.ask('POST', f'{THINGS}/a/echo', body=body)[0] == 200
    assert len(world.backend.asked[-1]['body']) == len(body)


def test_watches(world):
    world.backend.events = [{'type': 'ADDED', 'object': {'kind': 'Flunder', 'apiVersion': f'{GROUP}/v1', 'metadata': {'name': f'f{i}'}}} for i in range(3)]
    world.backend.watching.clear()
    connection = http.client.HTTPSConnection('127.0.0.1', world.server.port, context=world.server.context, timeout=30)
    connection.request('GET', THINGS + '?watch=true')
    answer = connection.getresponse()
    assert answer.status == 200 and [json.loads(answer.readline())['object']['metadata']['name'] for _ in range(3)] == ['f0', 'f1', 'f2']
    assert world.backend.watching.wait(10), 'the events came while the watch went on'
    connection.close()


@pytest.mark.parametrize('protocol,extra', [('SPDY/3.1', []), ('websocket', [('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='), ('Sec-WebSocket-Version', '13'), ('Sec-WebSocket-Protocol', 'v5.channel.k8s.io')])])
def test_upgrades(world, protocol, extra):
    with socket.create_connection(('127.0.0.1', world.server.port)) as plain, ssl.create_default_context(cafile=world.server.pki.ca).wrap_socket(plain, server_hostname='localhost') as s:
        s.settimeout(30)
        lines = [f'GET {THINGS}/a/shell HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', f'Upgrade: {protocol}', 'Authorization: Bearer token-of-jane', *(f'{k}: {v}' for k, v in extra)]
        s.sendall('\r\n'.join([*lines, '', '']).encode())
        head = b''
        while b'\r\n\r\n' not in head:
            head += s.recv(4096)
        assert head.startswith(b'HTTP/1.1 101') and f'Upgrade: {protocol}'.lower().encode() in head.lower()
        for said in (b'hello', b'again'):
            s.sendall(said)
            heard = b''
            while len(heard) < len(said):
                heard += s.recv(100)
            assert heard == said.upper()
    asked = next(a for a in reversed(world.backend.asked) if a['path'].endswith('/shell'))
    assert names(asked['headers'], 'X-Remote-User') == ['jane'] and names(asked['headers'], 'Upgrade') == [protocol] and asked['proxy'] == 'front-proxy-client'


def test_an_upgrade_that_is_refused(world):
    status, _, body = world.ask('GET', f'{THINGS}/a/nothing', headers=[('Connection', 'Upgrade'), ('Upgrade', 'SPDY/3.1')])
    assert status == 404 and b'NotFound' in body
    status, _, body = world.ask('GET', f'{THINGS}/a/echo', headers=[('Connection', 'Upgrade'), ('Upgrade', 'SPDY/3.1')])
    assert status == 503 and body == b'invalid upgrade response: status code 200\n'


def test_redirects_end_here(world):
    status, headers, body = world.ask('GET', f'{THINGS}/a/away')
    assert (status, body) == (502, b'the backend attempted to redirect this request, which is not permitted') and headers.get('Location') is None


def test_discovery(world):
    wait_for(lambda: world.discovered_version().get('freshness') == 'Current', 'discovery')
    found = world.discovered_version()
    assert [r['resource'] for r in found['resources']] == ['flunders'] and found['resources'][0]['subresources'][0]['subresource'] == 'status'
    order = [g['metadata']['name'] for g in world.discovered()['items']]
    assert order[-1] == GROUP and order.index('apps') == 1
    group = json.loads(world.ask('GET', f'/apis/{GROUP}')[2])
    assert (group['kind'], group['name'], [v['groupVersion'] for v in group['versions']]) == ('APIGroup', GROUP, [f'{GROUP}/v1'])
    assert GROUP in [g['name'] for g in json.loads(world.ask('GET', '/apis')[2])['groups']]
    assert json.loads(world.ask('GET', ROOT_PATH)[2])['groupVersion'] == f'{GROUP}/v1'


def test_openapi(world):
    listed = lambda: json.loads(world.ask('GET', '/openapi/v3')[2])['paths']  # noqa: E731
    wait_for(lambda: f'apis/{GROUP}/v1' in listed(), 'OpenAPI v3')
    document = json.loads(world.ask('GET', listed()[f'apis/{GROUP}/v1']['serverRelativeURL'])[2])
    assert 'com.example.wardle.v1.Flunder' in document['components']['schemas']
    v2 = json.loads(world.ask('GET', '/openapi/v2')[2])
    assert f'{ROOT_PATH}/namespaces/{{namespace}}/flunders/{{name}}' in v2['paths'] and 'com.example.wardle.v1.Flunder' in v2['definitions']
    assert '/api/v1/pods' in v2['paths']
    if not world.backend.adds_kinds:
        return
    # What both servers have is told once, with the kinds of both.
    assert f'{PATCH}_v2' not in v2['definitions']
    assert v2['definitions'][PATCH]['x-kubernetes-group-version-kind'] == [{'group': GROUP, 'version': 'v1', 'kind': 'Patch'}]


@pytest.mark.parametrize('upstream', [None, PEERS], ids=['pintle', 'upstream'])
def test_openapi_of_a_server_that_has_version_2_alone(network, upstream):
    """Clients that ask for version 3 get what its version 2 says."""
    if upstream and lacking('kube-apiserver', 'etcd'):
        pytest.skip(lacking('kube-apiserver', 'etcd'))
    w = World(upstream)
    w.backend.behaviour = lambda handler, asked: handler.answer(404, '') or True if asked['path'].startswith('/openapi/v3') else False
    with w:
        wait_for(lambda: f'apis/{GROUP}/v1' in json.loads(w.ask('GET', '/openapi/v3')[2])['paths'], 'OpenAPI v3', timeout_s=90)
        at = json.loads(w.ask('GET', '/openapi/v3')[2])['paths'][f'apis/{GROUP}/v1']['serverRelativeURL']
        status, headers, body = w.ask('GET', at)
        document = json.loads(body)
        assert status == 200 and document['openapi'].startswith('3.0') and headers.get('Etag')
        assert w.ask('GET', at, headers=[('If-None-Match', headers.get('Etag'))])[0] == 304
        flunder = document['components']['schemas']['com.example.wardle.v1.Flunder']
        assert flunder['x-kubernetes-group-version-kind'][0]['kind'] == 'Flunder'
        get = document['paths'][f'{ROOT_PATH}/namespaces/{{namespace}}/flunders/{{name}}']['get']
        schema = get['responses']['200']['content']['application/json']['schema']
        assert schema == {'$ref': '#/components/schemas/com.example.wardle.v1.Flunder'}
        assert get['parameters'] == [{'name': 'limit', 'in': 'query', 'schema': {'type': 'integer', 'uniqueItems': True}}] and 'schemes' not in get
        if not upstream:  # whose references to shared parameters lead nowhere
            item = document['paths'][f'{ROOT_PATH}/namespaces/{{namespace}}/flunders/{{name}}']
            assert [parameter['name'] for parameter in item['parameters']] == ['name', 'pretty']
            assert item['put']['requestBody'] == {'required': True, 'content': {'*/*': {'schema': schema}}}
        w.await_available('True', 'Passed')
        wait_for(lambda: w.discovered_version().get('freshness') == 'Current', 'discovery', timeout_s=90)
        assert 'spec says it all' in w.server.kubectl('explain', 'flunder.spec')


def test_availability_follows_the_service(world):
    kubectl, backend = world.server.kubectl, world.backend
    steps = [(lambda: kubectl('apply', '-f', '-', stdin=yaml.safe_dump(backend.slice(ready=False))), 'MissingEndpoints', 'endpointslices for service/backend in "aggregated" have no addresses with port name "https"'),
             (lambda: kubectl('-n', 'aggregated', 'delete', 'endpointslice', 'backend-1'), 'EndpointsNotFound', 'cannot find endpointslices for service/backend in "aggregated"'),
             (lambda: kubectl('-n', 'aggregated', 'delete', 'service', 'backend'), 'ServiceNotFound', 'service/backend in "aggregated" is not present')]
    for step, reason, message in steps:
        step()
        world.await_available('False', reason)
        assert world.condition()['message'] == message
        assert world.ask('GET', THINGS)[::2] == (503, b'service unavailable\n')
    wait_for(lambda: world.discovered_version().get('freshness') == 'Stale', 'stale discovery', timeout_s=70)
    page = world.server.get('/metrics').decode()
    assert f'aggregator_unavailable_apiservice{{name="v1.{GROUP}"}} 1' in page and 'aggregator_unavailable_apiservice{name="v1.apps"} 0' in page
    became = [line for line in page.splitlines() if line.startswith(f'aggregator_unavailable_apiservice_total{{name="v1.{GROUP}",reason="MissingEndpoints"}}')]
    assert len(became) == 1 and int(became[0].split()[-1]) >= 1, 'it became unavailable once; why it stays so is another matter'
    assert f'aggregator_unavailable_apiservice_total{{name="v1.{GROUP}",reason="ServiceNotFound"}}' not in page
    assert world.ask('GET', '/apis')[0] == 200 and world.ask('GET', '/api/v1/namespaces')[0] == 200
    kubectl('create', '-f', '-', stdin=yaml.safe_dump_all([backend.service_object(), backend.slice()]))
    world.await_available('True', 'Passed')
    wait_for(lambda: world.discovered_version().get('freshness') == 'Current', 'fresh discovery', timeout_s=70)
    assert world.ask('GET', THINGS)[0] == 200


def test_a_failing_discovery_check(world):
    world.backend.behaviour = lambda handler, asked: handler.answer(500, '') or True if asked['path'] == ROOT_PATH else False
    world.server.kubectl('-n', 'aggregated', 'annotate', 'service', 'backend', 'look=again', '--overwrite')
    try:
        world.await_available('False', 'FailedDiscoveryCheck')
        url = f'https://{ADDRESS}:{world.backend.port}{ROOT_PATH}'
        assert world.condition()['message'] == f'failing or missing response from {url}: bad status from {url}: 500'
    finally:
        world.backend.behaviour = None
    world.await_available('True', 'Passed')


def test_its_authority_counts(world):
    patch = lambda **spec: world.server.kubectl('patch', 'apiservice', f'v1.{GROUP}', '--type=merge', '-p', json.dumps({'spec': spec}))  # noqa: E731
    other = base64.b64encode(pathlib.Path(world.proxies.ca).read_bytes()).decode()
    patch(caBundle=other)
    world.await_available('False', 'FailedDiscoveryCheck')
    patch(caBundle=None, insecureSkipTLSVerify=True)
    world.await_available('True', 'Passed')
    patch(caBundle=ca_bundle(world.backend.pki), insecureSkipTLSVerify=False)
    world.await_available('True', 'Passed')


def test_the_client_certificate_is_read_again(world):
    certificate, key = (pathlib.Path(world.proxies.path(f'client.{kind}')) for kind in ('crt', 'key'))
    before = certificate.read_bytes(), key.read_bytes()
    world.proxies.issue('renewed', '/CN=front-proxy-client-renewed')
    try:
        key.write_bytes(pathlib.Path(world.proxies.path('renewed.key')).read_bytes())
        certificate.write_bytes(pathlib.Path(world.proxies.path('renewed.crt')).read_bytes())
        wait_for(lambda: json.loads(world.ask('GET', f'{THINGS}/a/echo')[2]).get('proxy') == 'front-proxy-client-renewed', 'the new certificate', timeout_s=70)
    finally:
        key.write_bytes(before[1])
        certificate.write_bytes(before[0])


def test_local_services_of_custom_resources(world):
    definition = {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'gizmos.local.example.com'}, 'spec': {
        'group': 'local.example.com', 'scope': 'Namespaced', 'names': {'plural': 'gizmos', 'kind': 'Gizmo'},
        'versions': [{'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': {'type': 'object'}}},
                     {'name': 'v2', 'served': False, 'storage': False, 'schema': {'openAPIV3Schema': {'type': 'object'}}}]}}
    kubectl = world.server.kubectl
    kubectl('create', '-f', '-', stdin=yaml.safe_dump(definition))
    there = lambda name='v1': kubectl('get', 'apiservice', f'{name}.local.example.com', '--ignore-not-found', '-o', 'json')  # noqa: E731
    wait_for(there, 'an APIService')
    found = json.loads(there())
    assert found['metadata']['labels'] == {'kube-aggregator.kubernetes.io/automanaged': 'true'}
    assert found['spec'] == {'group': 'local.example.com', 'version': 'v1', 'groupPriorityMinimum': 1000, 'versionPriority': 100}
    assert found['status']['conditions'][0]['reason'] == 'Local' and there('v2') == ''
    kubectl('delete', 'apiservice', 'v1.local.example.com')
    wait_for(lambda: there() and json.loads(there())['metadata']['uid'] != found['metadata']['uid'], 'it is made again')
    kubectl('patch', 'apiservice', 'v1.local.example.com', '--type=merge', '-p', '{"spec":{"versionPriority":5}}')
    wait_for(lambda: json.loads(there())['spec']['versionPriority'] == 100, 'it is repaired')
    kubectl('delete', 'crd', 'gizmos.local.example.com')
    wait_for(lambda: there() == '', 'it goes with its definition')


def test_what_aggregated_servers_are_told_of_clients(world):
    kubectl, pki = world.server.kubectl, world.server.pki
    told = lambda: json.loads(kubectl('-n', 'kube-system', 'get', 'configmap', 'extension-apiserver-authentication', '--ignore-not-found', '-o', 'json') or '{}').get('data', {})  # noqa: E731
    lines = lambda path: pathlib.Path(path).read_text().split()  # noqa: E731
    want = told()
    assert want['client-ca-file'].split() == lines(pki.ca) and want['requestheader-client-ca-file'].split() == lines(world.proxies.ca)
    assert {k: v for k, v in want.items() if not k.endswith('ca-file')} == {
        'requestheader-allowed-names': '["front-proxy-client"]', 'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]', 'requestheader-group-headers': '["X-Remote-Group"]',
        'requestheader-uid-headers': '["X-Remote-Uid"]', 'requestheader-username-headers': '["X-Remote-User"]'}
    kubectl('-n', 'kube-system', 'delete', 'configmap', 'extension-apiserver-authentication')
    wait_for(lambda: told() == want, 'the ConfigMap')


def test_who_is_a_front_proxy_here(world):
    """Headers of whoever has no certificate of the front proxies' authority for an allowed name say nothing."""
    headers = [('X-Remote-User', 'jane'), ('X-Remote-Group', 'system:masters')]

    def who(certificate=None, token=None):
        context = ssl.create_default_context(cafile=world.server.pki.ca)
        if certificate:
            context.load_cert_chain(*certificate)
        body = json.dumps({'kind': 'SelfSubjectReview', 'apiVersion': 'authentication.k8s.io/v1'}).encode()
        status, _, answer = world.ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', body=body, token=token, headers=[*headers, ('Content-Type', 'application/json')], context=context)
        return status, json.loads(answer).get('status', {}).get('userInfo', {}).get('username') if status == 201 else None
    of = lambda pki, name: (pki.path(f'{name}.crt'), pki.path(f'{name}.key'))  # noqa: E731
    assert who(of(world.proxies, 'client')) == (201, 'jane')
    assert who(of(world.proxies, 'other'))[0] == 401
    assert who(of(world.server.pki, 'admin')) == (201, 'admin')
    world.server.pki.issue('front-proxy-client', '/CN=front-proxy-client')
    assert who(of(world.server.pki, 'front-proxy-client')) == (201, 'front-proxy-client')
    assert who(token='token-of-jane') == (201, 'jane')
    assert who()[0] == 403, 'anonymous'


def conversation(world):
    """What a client sees, without what differs from run to run."""
    out = {}
    jane = {'token': 'token-of-jane'}
    asks = {'list': ('GET', THINGS, {}), 'forbidden': ('GET', f'{ROOT_PATH}/namespaces/default/others', jane), 'echo': ('GET', f'{THINGS}/a%20b/echo?x=1&y=a+b&x=2', jane), 'away': ('GET', f'{THINGS}/a/away', {}),
            'nothing': ('GET', f'{THINGS}/a/nothing', {}), 'root': ('GET', ROOT_PATH, jane), 'group': ('GET', f'/apis/{GROUP}', {}), 'slash': ('GET', f'/apis/{GROUP}/', {}),
            'deeper': ('GET', f'/apis/{GROUP}/v2', {}), 'anonymous': ('GET', THINGS, {'context': ssl.create_default_context(cafile=world.server.pki.ca)}), 'head': ('HEAD', f'{THINGS}/a/echo', {}),
            'no upgrade': ('GET', f'{THINGS}/a/echo', {'headers': [('Connection', 'Upgrade'), ('Upgrade', 'SPDY/3.1')]}), 'post': ('POST', f'{THINGS}/a/echo', {'body': b'{}', 'headers': [('Content-Type', 'application/json')]})}
    for name, (method, path, more) in asks.items():
        status, headers, body = world.ask(method, path, **more)
        text = body.decode()
        if status == 200 and path.split('?')[0].endswith('echo') and method != 'HEAD':
            told = json.loads(text)
            told['headers'] = [[k, v.split('=')[0] if v.startswith('X509SHA256=') else v] for k, v in told['headers']]
            changing = ('audit-id', 'host', 'x-forwarded-host', 'traceparent', 'tracestate')
            text = {**told, 'headers': sorted([k.lower(), v] for k, v in told['headers'] if k.lower() not in changing), 'kept': sorted(k.lower() for k, _ in told['headers'] if k.lower() in ('audit-id', 'host', 'x-forwarded-host'))}
        shown = {k.lower(): v for k, v in headers.items() if k.lower() not in ('date', 'audit-id', 'server', 'content-length', 'x-kubernetes-pf-flowschema-uid', 'x-kubernetes-pf-prioritylevel-uid')}
        out[name] = {'status': status, 'headers': shown, 'body': text}
    wait_for(lambda: world.discovered_version().get('freshness') == 'Current', 'discovery', timeout_s=90)
    out['discovery'] = world.discovered_version()
    out['groups'] = [g['name'] for g in json.loads(world.ask('GET', '/apis')[2])['groups']]
    out['aggregated groups'] = [g['metadata']['name'] for g in world.discovered()['items']]
    wait_for(lambda: f'apis/{GROUP}/v1' in json.loads(world.ask('GET', '/openapi/v3')[2])['paths'], 'OpenAPI', timeout_s=90)
    condition = world.condition()
    out['condition'] = {k: v for k, v in condition.items() if k != 'lastTransitionTime'}
    services = json.loads(world.server.kubectl('get', 'apiservices', '-o', 'json'))['items']
    out['services'] = {s['metadata']['name']: [s['metadata'].get('labels'), {k: v for k, v in s['spec'].items() if k != 'caBundle'}, [(c['type'], c['status'], c['reason'], c['message']) for c in s['status']['conditions']]]
                       for s in services}
    world.server.kubectl('-n', 'aggregated', 'delete', 'service', 'backend')
    world.await_available('False', 'ServiceNotFound')
    out['gone'] = [world.ask('GET', THINGS)[::2], world.ask('GET', ROOT_PATH)[::2], {k: v for k, v in world.condition().items() if k != 'lastTransitionTime'}]
    return out


@pytest.mark.skipif(lacking('kube-apiserver', 'etcd') is not None, reason=lacking('kube-apiserver', 'etcd') or '')
def test_clients_see_what_they_see_of_upstream(network):
    seen = {}

    def converse(name, upstream):
        with World(upstream) as w:
            seen[name] = conversation(w)
    converse('pintle', None)
    converse('upstream', PEERS)
    for part, want in seen['upstream'].items():
        assert seen['pintle'][part] == want, part
