"""What the server tells of custom kinds: OpenAPI of both versions, `kubectl explain`, discovery; held against upstream's where build/peers has it."""
import concurrent.futures
import gzip
import json
import re
import time
import urllib.error
import urllib.request

import pytest
import yaml
from support.cluster import SLOWNESS, ApiServer
from support.nodes import await_true
from support.openapi_v3_proto import proto_of
from support.peers import PEERS, lacking

GROUP = 'pub.example.com'
V2_PROTO = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
V3_PROTO = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf'
SPEC = {'type': 'object', 'description': 'What it should be.', 'required': ['size'], 'properties': {
    'size': {'type': 'integer', 'format': 'int32', 'minimum': 1, 'description': 'How big.'}, 'mode': {'type': 'string', 'enum': ['a', 'b'], 'default': 'a'},
    'port': {'x-kubernetes-int-or-string': True}, 'maybe': {'type': 'string', 'nullable': True},
    'free': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True, 'properties': {'k': {'type': 'string'}}},
    'emb': {'type': 'object', 'x-kubernetes-embedded-resource': True, 'properties': {'spec': {'type': 'object', 'properties': {'x': {'type': 'string'}}}}},
    'embfree': {'type': 'object', 'x-kubernetes-embedded-resource': True, 'x-kubernetes-preserve-unknown-fields': True},
    'map': {'type': 'object', 'additionalProperties': {'type': 'string'}},
    'list': {'type': 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'],
             'items': {'type': 'object', 'required': ['name'], 'properties': {'name': {'type': 'string'}}}}}}
SCHEMA = {'type': 'object', 'description': 'A widget.', 'properties': {
    'spec': SPEC, 'status': {'type': 'object', 'properties': {'replicas': {'type': 'integer'}, 'ready': {'type': 'boolean'}}}}}
BOTH = {'status': {}, 'scale': {'specReplicasPath': '.spec.size', 'statusReplicasPath': '.status.replicas'}}


def version(name='v1', storage=True, schema=SCHEMA, **more):
    return {'name': name, 'served': True, 'storage': storage, 'schema': {'openAPIV3Schema': schema}, 'subresources': BOTH, **more}


def definition(plural, kind, versions, group=GROUP, scope='Namespaced'):
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{plural}.{group}'},
            'spec': {'group': group, 'scope': scope, 'versions': versions,
                     'names': {'plural': plural, 'singular': kind.lower(), 'kind': kind, 'listKind': kind + 'List', 'shortNames': [plural[:3]], 'categories': ['all', 'mine']}}}


DEFINITIONS = [
    definition('widgets', 'Widget', [
        version(), version('v1beta1', False, subresources={}, deprecated=True), version('v2alpha1', False, deprecated=True, deprecationWarning='gone soon'),
        version('v10', False, schema={**SCHEMA, 'description': 'Ten.'}, selectableFields=[{'jsonPath': '.spec.mode'}])]),
    definition('gears', 'Gear', [version(subresources={})], scope='Cluster'),
    definition('opens', 'Open', [version(schema={'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}, subresources={})], group='open.example.com'),
    definition('halves', 'Half', [version(subresources={}), version('v2', False, served=False)], group='half.my-example.com')]
EXPLAINED = [['widgets'], ['widgets.spec'], ['widgets.spec.emb'], ['widgets.spec.port'], ['widgets', '--recursive'], ['widgets.status', '--api-version=pub.example.com/v1beta1'],
             ['gears.spec.list'], ['gears.spec.list', '--output=plaintext-openapiv2'], ['opens'], ['opens', '--output=plaintext-openapiv2'],
             ['widgets', '--recursive', '--output=plaintext-openapiv2'], ['widgets.spec.free', '--output=plaintext-openapiv2'], ['widgets.spec.nothing'],
             ['halves', '--api-version=half.my-example.com/v2']]


def raw(server, path, **headers):
    """(status, headers, body) of a GET as the administrator."""
    request = urllib.request.Request(server.url + path, headers={k.replace('_', '-'): v for k, v in headers.items()})
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=server.context), NoRedirect())
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def document(server, path='/openapi/v2', **headers):
    status, _, body = raw(server, path, **headers)
    assert status == 200, body
    return json.loads(body)


def v3(server, name):
    return document(server, document(server, '/openapi/v3')['paths'][name]['serverRelativeURL'])


def establish(server, *definitions):
    server.kubectl('apply', '-f', '-', stdin='\n---\n'.join(yaml.safe_dump(d) for d in definitions))
    for d in definitions:
        server.kubectl('wait', '--for=condition=Established', 'crd', d['metadata']['name'], '--timeout=30s')
    names = [f'/apis/{d["spec"]["group"]}/{v["name"]}/' for d in definitions for v in d['spec']['versions'] if v['served']]
    await_true('the definitions published', lambda: (lambda paths: all(any(p.startswith(n) for p in paths) for n in names))(document(server)['paths']))


@pytest.fixture(scope='module')
def ours():
    with ApiServer() as s:
        establish(s, *DEFINITIONS)
        yield s
        s.check_held()


@pytest.fixture(scope='module')
def theirs():
    if why := lacking('kube-apiserver', 'etcd'):
        pytest.skip(why)
    with ApiServer(upstream=PEERS) as s:
        establish(s, *DEFINITIONS)
        yield s


def is_custom(name):
    return 'example' in name


def without_words(value, at=''):
    """Our descriptions of what Kubernetes itself has are our own; parameters are grouped differently, which means the same."""
    if isinstance(value, list):
        return [without_words(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: without_words(v, k) for k, v in value.items() if not (k == 'description' and isinstance(v, str))}


def operations(document, dialect):
    """What each operation of custom paths takes and answers."""
    def parameter(one):
        name = one.get('$ref', '').rsplit('/', 1)[-1]
        if name:
            one = document['parameters'][name]
        return one['name'], one['in'], one.get('required', False), (one.get('schema') or one).get('type') or one['schema'].get('$ref')
    out = {}
    for path, item in document['paths'].items():
        if not is_custom(path):
            continue
        shared = [parameter(p) for p in item.get('parameters', [])]
        for method, op in item.items():
            if method == 'parameters':
                continue
            op = without_words(op)
            # In the paths of one list operation, what it alone takes stands beside it or above it.
            out[path, method] = {**op, 'parameters': sorted({*shared, *(parameter(p) for p in op.get('parameters', []))}, key=str)}
    return out


def test_version_2_is_as_upstream_has_it(ours, theirs):
    mine, other = document(ours), document(theirs)
    a, b = ({k: without_words(v) for k, v in d['definitions'].items() if is_custom(k)} for d in (mine, other))
    assert a == b
    a, b = operations(mine, 2), operations(other, 2)
    assert a.keys() == b.keys()
    for key in a:
        assert a[key] == b[key], key


@pytest.mark.parametrize('name', ['apis/pub.example.com/v1', 'apis/pub.example.com/v10', 'apis/pub.example.com/v1beta1', 'apis/open.example.com/v1', 'apis/half.my-example.com/v1'])
def test_version_3_is_as_upstream_has_it(ours, theirs, name):
    mine, other = v3(ours, name), v3(theirs, name)
    assert mine['info'] == other['info'] and mine['components']['schemas'].keys() == other['components']['schemas'].keys()
    for key in mine['components']['schemas']:
        if is_custom(key):
            assert without_words(mine['components']['schemas'][key]) == without_words(other['components']['schemas'][key]), key
    a, b = operations(mine, 3), operations(other, 3)
    assert a.keys() == b.keys()
    for key in a:
        assert a[key] == b[key], key


def test_the_index_has_the_same_names(ours, theirs):
    mine, other = document(ours, '/openapi/v3')['paths'], document(theirs, '/openapi/v3')['paths']
    assert {n for n in mine if is_custom(n)} == {n for n in other if is_custom(n)}


def fields(text):
    """What is told of fields; the words of those that every object has are our own."""
    return [line.rstrip() for line in text.splitlines() if re.match(r'^\s*\S+\t<|^\s*enum:|^(GROUP|KIND|VERSION|FIELD|RESOURCE|error)', line)]


@pytest.mark.parametrize('args', EXPLAINED, ids=' '.join)
def test_explain(ours, theirs, args):
    mine, other = (s.kubectl('explain', *args, check=False) for s in (ours, theirs))
    assert mine.returncode == other.returncode, mine.stderr
    assert fields(mine.stdout + mine.stderr) == fields(other.stdout + other.stderr)


def test_explain_has_the_words_of_the_definition(ours):
    assert 'How big.' in ours.kubectl('explain', 'widgets.spec.size')
    assert 'Ten.' in ours.kubectl('explain', 'wid')
    assert 'A widget.' in ours.kubectl('explain', 'widget', '--api-version=pub.example.com/v1', '--output=plaintext-openapiv2')


def test_discovery_is_as_upstream_has_it(ours, theirs):
    accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    a, b = ([g for g in document(s, '/apis', Accept=accept)['items'] if is_custom(g['metadata']['name'])] for s in (ours, theirs))
    assert a == b
    a, b = ([g for g in document(s, '/apis')['groups'] if is_custom(g['name'])] for s in (ours, theirs))
    assert a == b
    for path in ('/apis/pub.example.com', '/apis/pub.example.com/v1', '/apis/pub.example.com/v10', '/apis/pub.example.com/v1beta1', '/apis/open.example.com/v1'):
        a, b = document(ours, path), document(theirs, path)
        for d in (a, b):
            d.get('resources', []).sort(key=lambda r: r['name'])
        assert a == b, path


def test_deprecated_versions_are_told_of(ours, theirs):
    for name in ('v1beta1', 'v2alpha1', 'v1'):
        path = f'/apis/pub.example.com/{name}/namespaces/default/widgets'
        for at in (path, path + '/none', path + '/none/status', path + '/none/scale'):
            assert raw(ours, at)[1].get_all('Warning') == raw(theirs, at)[1].get_all('Warning'), at
    assert raw(ours, '/apis/pub.example.com/v2alpha1/widgets')[1]['Warning'] == '299 - "gone soon"'


def test_tags_hashes_and_encodings(ours):
    for path, accept in (('/openapi/v2', 'application/json'), ('/openapi/v2', V2_PROTO), ('/openapi/v3', '*/*'), ('/openapi/v3/apis/pub.example.com/v1', 'application/json'),
                         ('/openapi/v3/api/v1', '*/*'), ('/apis', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')):
        status, headers, body = raw(ours, path, Accept=accept)
        tag = headers['ETag']
        assert status == 200 and re.fullmatch('"[0-9A-F]+"', tag), path
        packed_status, packed_headers, packed = raw(ours, path, Accept=accept, Accept_Encoding='gzip')
        assert packed_status == 200 and packed_headers['ETag'] == tag
        assert (gzip.decompress(packed) if packed_headers['Content-Encoding'] == 'gzip' else packed) == body, path
        for given in (tag, f'"x", {tag}', f'W/{tag}', '*'):
            status, headers, body = raw(ours, path, Accept=accept, If_None_Match=given)
            assert (status, headers['ETag'], body) == (304, tag, b''), (path, given)
        assert raw(ours, path, Accept=accept, If_None_Match='"other"')[0] == 200
    assert raw(ours, '/openapi/v2')[1]['ETag'] != raw(ours, '/openapi/v2', Accept=V2_PROTO)[1]['ETag'], 'a strong tag is of bytes'
    url = document(ours, '/openapi/v3')['paths']['apis/pub.example.com/v1']['serverRelativeURL']
    status, headers, _ = raw(ours, url)
    assert status == 200 and headers['Cache-Control'] == 'public, immutable' and headers['Expires'] and f'hash={headers["ETag"][1:-1]}' in url
    status, headers, _ = raw(ours, url.split('?')[0] + '?hash=00')
    assert status == 301 and headers['Location'] == url
    assert 'immutable' not in raw(ours, url.split('?')[0])[1]['Cache-Control']
    assert raw(ours, '/openapi/v3/apis/nope.example.com/v1')[0] == 404
    assert raw(ours, '/openapi/v2', Accept='text/html')[0] == 406
    assert raw(ours, url, Accept='text/html')[0] == 406


def sorted_keys(value):
    """Keys within vendor extensions in order: upstream keeps theirs, ours are sorted."""
    if isinstance(value, list):
        return [sorted_keys(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: sorted_keys(dict(sorted(v.items()))) if k.startswith('x-') and isinstance(v, dict) else sorted_keys(v) for k, v in value.items()}


@pytest.mark.parametrize('who', ['ours', 'theirs'])
def test_version_3_in_protobuf(request, who):
    """Says what the JSON says, as both servers tell it."""
    server = request.getfixturevalue(who)
    for name in ('api/v1', 'apis/apps/v1', 'apis/pub.example.com/v1', 'apis/open.example.com/v1', 'apis', 'version'):
        expected = proto_of(sorted_keys(document(server, f'/openapi/v3/{name}')) if who == 'ours' else document(server, f'/openapi/v3/{name}'))
        for accept in (V3_PROTO, V3_PROTO.replace('@', '.'), f'application/json;q=0.5, {V3_PROTO}'):
            status, headers, body = raw(server, f'/openapi/v3/{name}', Accept=accept)
            assert status == 200 and headers['Content-Type'] == V3_PROTO.replace('@', '.') and headers['Vary'].startswith('Accept'), name
            assert body == expected, name
        assert headers['ETag'] == raw(server, f'/openapi/v3/{name}')[1]['ETag']


def test_published_within_a_second_and_gone_with_it(ours):
    name, path = 'apis/brief.example.com/v1', '/apis/brief.example.com/v1/namespaces/{namespace}/briefs'
    one = definition('briefs', 'Brief', [version(subresources={})], group='brief.example.com')
    before = raw(ours, '/openapi/v2')[1]['ETag']
    ours.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(one))
    ours.kubectl('wait', '--for=condition=Established', 'crd', 'briefs.brief.example.com', '--timeout=30s')
    began = time.monotonic()
    await_true('version 2 to tell of it', lambda: path in document(ours)['paths'])
    await_true('version 3 to tell of it', lambda: name in document(ours, '/openapi/v3')['paths'])
    assert time.monotonic() - began < 1 * SLOWNESS, 'a second from Established'
    assert v3(ours, name)
    first = document(ours, '/openapi/v3')['paths'][name]
    one['spec']['versions'][0]['schema'] = {'openAPIV3Schema': {'type': 'object', 'properties': {'added': {'type': 'string', 'description': 'New.'}}}}
    ours.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(one))
    await_true('the change told', lambda: 'added' in document(ours)['definitions']['com.example.brief.v1.Brief'].get('properties', {}))
    assert document(ours, '/openapi/v3')['paths'][name] != first and 'added' in v3(ours, name)['components']['schemas']['com.example.brief.v1.Brief']['properties']
    assert b'com.example.brief.v1.BriefList' in raw(ours, '/openapi/v2', Accept=V2_PROTO)[2]
    one['spec']['versions'] = [version('v2', schema=SCHEMA, subresources={}), {**one['spec']['versions'][0], 'served': False, 'storage': False}]
    ours.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(one))
    await_true('a version that is served no more gone', lambda: name not in document(ours, '/openapi/v3')['paths'])
    assert raw(ours, f'/openapi/v3/{name}')[0] == 404
    ours.kubectl('delete', 'crd', 'briefs.brief.example.com')
    await_true('the definition gone', lambda: not any('brief' in p for p in document(ours)['paths']))
    assert not any('brief' in n for n in document(ours, '/openapi/v3')['paths']) and raw(ours, '/openapi/v2')[1]['ETag'] == before
    assert b'brief.example' not in raw(ours, '/openapi/v2', Accept=V2_PROTO)[2]


@pytest.mark.parametrize('validate', ['strict', 'warn', 'ignore', 'true', 'false'])
def test_validation_by_kubectl(ours, theirs, validate):
    def create(server, obj):
        done = server.kubectl('create', '-f', '-', f'--validate={validate}', '--dry-run=server', stdin=yaml.safe_dump(obj), check=False)
        return done.returncode, done.stdout, done.stderr
    base = {'apiVersion': 'pub.example.com/v1', 'kind': 'Widget', 'metadata': {'name': 'w', 'namespace': 'default'}, 'spec': {'size': 1}}
    for spec in ({'size': 1}, {'size': 1, 'bogus': 1}, {}, {'size': 'x'}, {'size': 1, 'free': {'any': 1}, 'maybe': None, 'port': 'http'},
                 {'size': 1, 'emb': {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'x', 'unknown': 1}}}):
        assert create(ours, {**base, 'spec': spec}) == create(theirs, {**base, 'spec': spec}), spec


def test_many_ask_while_definitions_come_and_go(ours):
    stop = time.monotonic() + 5

    def ask(path, **headers):
        answers = 0
        while time.monotonic() < stop:
            status, got, body = raw(ours, path, **headers)
            assert status == 200, (status, body)
            if headers.get('Accept_Encoding'):
                body = gzip.decompress(body) if got['Content-Encoding'] == 'gzip' else body
            if headers.get('Accept') != V2_PROTO:
                json.loads(body)
            answers += 1
        return answers

    def come_and_go(i):
        one = definition(f'goers{i}', f'Goer{i}', [version(subresources={})], group='goers.example.com')
        rounds = 0
        while time.monotonic() < stop:
            ours.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(one))
            ours.kubectl('delete', 'crd', one['metadata']['name'])
            rounds += 1
        return rounds

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waited = [pool.submit(come_and_go, i) for i in range(2)]
        waited += [pool.submit(ask, '/openapi/v2', Accept_Encoding='gzip'), pool.submit(ask, '/openapi/v2', Accept=V2_PROTO), pool.submit(ask, '/openapi/v3'),
                   pool.submit(ask, '/openapi/v3/apis/pub.example.com/v1'), pool.submit(ask, '/apis', Accept='application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')]
        assert all(one.result() > 0 for one in waited)
