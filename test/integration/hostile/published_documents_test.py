"""Definitions that are meant to make the documents of the API large, slow or wrong, beside a neighbour who must not notice."""
import concurrent.futures
import gzip
import json
import random
import string

import pytest
from support.hostile import rule, wait_for

CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
V2_PROTO = {'Accept': 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'}
AGGREGATED = {'Accept': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'}
GZIP = {'Accept-Encoding': 'gzip'}
DEFINITIONS = (400, 1_000)  # 2,000 by hand: docs/benchmarks.md
LARGE = 12              # of a mebibyte each: more than all parts may keep, in the three forms
CLIENTS = 8


def definition(plural, group='many.example.com', kind=None, schema=None, annotations=None):
    kind = kind or plural.capitalize()
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition',
            'metadata': {'name': f'{plural}.{group}', 'annotations': annotations or {}},
            'spec': {'group': group, 'scope': 'Namespaced', 'names': {'plural': plural, 'kind': kind, 'singular': kind.lower(), 'listKind': kind + 'List'},
                     'versions': [{'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': schema or {'type': 'object'}}}]}}


def definer(server):
    return server.user(rule('customresourcedefinitions', 'create delete get', groups='apiextensions.k8s.io'))


def create(server, user, *definitions):
    for one in definitions:
        answer = server.ask(user, 'POST', CRDS, one)
        assert answer.status == 201, answer
    last = definitions[-1]['spec']
    wait_for(lambda: f'"{last["names"]["plural"]}"'.encode() in server.ask(server.admin, 'GET', f'/apis/{last["group"]}/v1').body, 'the last one served', server.process)


def remove(server, user, *definitions):
    for one in definitions:
        answer = server.ask(user, 'DELETE', f'{CRDS}/{one["metadata"]["name"]}')
        assert answer.status == 200, answer
    groups = {one['spec']['group'] for one in definitions}
    wait_for(lambda: not any(group in name for group in groups for name in json.loads(server.ask(server.admin, 'GET', '/openapi/v3').body)['paths']),
             'all gone', server.process)


def all_ask(server, requests):
    """Each of them CLIENTS times at once; all must be answered."""
    def ask(request):
        path, headers = request
        answer = server.ask(server.admin, 'GET', path, headers=dict(headers))
        assert answer.status == 200, answer
        return len(answer.body)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        assert all(pool.map(ask, requests * CLIENTS))


@pytest.mark.parametrize('count', DEFINITIONS)
def test_many_definitions_of_one_group_and_of_many(bounded_server, count):
    user = definer(bounded_server)
    definitions = [definition(f'things{i}', 'one.example.com' if i % 2 else f'g{i}.example.com') for i in range(count)]
    with bounded_server.attack(limit_s=60 * count / DEFINITIONS[0]):
        create(bounded_server, user, *definitions)
        all_ask(bounded_server, [('/openapi/v2', {**V2_PROTO, **GZIP}), ('/openapi/v2', GZIP), ('/openapi/v3', {}), ('/openapi/v3/apis/one.example.com/v1', GZIP), ('/apis', AGGREGATED)])
        whole = json.loads(bounded_server.ask(bounded_server.admin, 'GET', '/openapi/v2').body)
        assert sum('example.com' in path for path in whole['paths']) == 3 * count
        remove(bounded_server, user, *definitions)


def test_schemas_that_are_as_large_as_they_may_be(bounded_server):
    """Descriptions that do not compress, more than all parts may keep together; clients that take no compression, and all at once."""
    user = definer(bounded_server)
    chance = random.Random(7)
    definitions = []
    for i in range(LARGE):
        properties = {f'p{n}': {'type': 'string', 'description': ''.join(chance.choices(string.printable[:94], k=10_000))} for n in range(90)}
        definitions.append(definition(f'larges{i}', 'large.example.com', schema={'type': 'object', 'properties': properties}))
    with bounded_server.attack(limit_s=90):
        create(bounded_server, user, *definitions)
        all_ask(bounded_server, [('/openapi/v2', {}), ('/openapi/v2', V2_PROTO), ('/openapi/v3/apis/large.example.com/v1', {})])
        whole = json.loads(bounded_server.ask(bounded_server.admin, 'GET', '/openapi/v2').body)
        assert len(whole['definitions'][f'com.example.large.v1.Larges{LARGE - 1}']['properties']) == 90 + 3
        remove(bounded_server, user, *definitions)


def test_clients_that_do_not_read(bounded_server):
    """Each is held at what its connection takes, whatever the document's size."""
    slow = [bounded_server.raw(bounded_server.admin) for _ in range(32)]
    try:
        with bounded_server.attack(limit_s=20):
            for one in slow:
                one.send(b'GET /openapi/v2 HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n')
            all_ask(bounded_server, [('/openapi/v2', GZIP)])
    finally:
        for one in slow:
            one.close()


def test_names_of_what_is_built_in(bounded_server):
    """A kind whose definition would have the name of the built-in Pod's, or of metadata itself."""
    user = definer(bounded_server)
    approved = {'api-approved.kubernetes.io': 'unapproved, a test'}
    pods = definition('pods', 'core.api.k8s.io', kind='Pod', annotations=approved)
    metas = definition('objectmetas', 'meta.apis.pkg.apimachinery.k8s.io', kind='ObjectMeta', annotations=approved)
    with bounded_server.attack(limit_s=20):
        before = json.loads(bounded_server.ask(bounded_server.admin, 'GET', '/openapi/v2').body)['definitions']
        create(bounded_server, user, pods, metas)
        wait_for(lambda: b'core.api.k8s.io' in bounded_server.ask(bounded_server.admin, 'GET', '/openapi/v3').body, 'both served', bounded_server.process)
        packed = bounded_server.ask(bounded_server.admin, 'GET', '/openapi/v2', headers=dict(GZIP))
        after = json.loads(gzip.decompress(packed.body))
        for name in ('io.k8s.api.core.v1.Pod', 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'):
            assert after['definitions'][name] == before[name]
            assert after['definitions'][name + '_v2']['x-kubernetes-group-version-kind'][0]['group'] in ('core.api.k8s.io', 'meta.apis.pkg.apimachinery.k8s.io')
        create_pod = after['paths']['/apis/core.api.k8s.io/v1/namespaces/{namespace}/pods']['post']
        assert create_pod['parameters'][0]['schema'] == {'$ref': '#/definitions/io.k8s.api.core.v1.Pod_v2'}
        v3 = json.loads(bounded_server.ask(bounded_server.admin, 'GET', '/openapi/v3/apis/meta.apis.pkg.apimachinery.k8s.io/v1').body)['components']['schemas']
        assert 'annotations' in v3['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']['properties'] and 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2' in v3
        remove(bounded_server, user, pods, metas)
