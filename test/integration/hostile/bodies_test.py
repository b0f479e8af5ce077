"""Bodies that are meant to take the server's stack, memory or time: each from a user with the least right it takes, beside a neighbour
who must not notice."""
import json

import pytest

from support.hostile import rule

JSON_PATCH = {'Content-Type': 'application/json-patch+json'}
MERGE_PATCH = {'Content-Type': 'application/merge-patch+json'}
STRATEGIC_PATCH = {'Content-Type': 'application/strategic-merge-patch+json'}
APPLY = {'Content-Type': 'application/apply-patch+yaml'}
YAML = {'Content-Type': 'application/yaml'}
PROTOBUF = {'Content-Type': 'application/vnd.kubernetes.protobuf'}

NESTING_MAX = 256
ATTACK_S = 6            # of all attempts of one attack, sending the bodies included
CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'


@pytest.fixture(scope='module')
def tenant(running_server):
    """Somebody who may write a few things in one namespace."""
    ns = running_server.namespace()
    user = running_server.user(rule('configmaps endpoints pods', 'get list create update patch'), rule('controllerrevisions deployments', 'get create update patch', groups='apps'), namespace=ns)
    user.namespace = ns
    return user


@pytest.fixture(scope='module')
def definer(running_server):
    return running_server.user(rule('customresourcedefinitions', 'get create update patch', groups='apiextensions.k8s.io'))


def path(user, resource, name='', group='api/v1'):
    return f'/{group}/namespaces/{user.namespace}/{resource}' + (f'/{name}' if name else '')


def config_map(server, user, name, **data):
    answer = server.ask(user, 'POST', path(user, 'configmaps'), {'metadata': {'name': name}, 'data': data})
    assert answer.status in (201, 409), answer
    return path(user, 'configmaps', name)


def refused(server, user, method, where, body, headers, *statuses, answer_bytes_max=1 << 20):
    answer = server.ask(user, method, where, body, headers)
    assert answer.status in statuses, answer
    assert len(answer.body) < answer_bytes_max, f'{len(answer.body)} bytes of answer'
    return answer


def field(number, body):
    """A length-delimited field of protobuf."""
    def varint(n):
        out = bytearray()
        while n >= 0x80:
            out.append(n & 0x7f | 0x80)
            n >>= 7
        out.append(n)
        return bytes(out)
    return varint(number << 3 | 2) + varint(len(body)) + body


def envelope(version, kind, body):
    return b'k8s\0' + field(1, field(1, version.encode()) + field(2, kind.encode())) + field(2, body)


# --- depth ------------------------------------------------------------------------------------------------------------------
def adding(step, operations):
    """Operations of which each adds `step` levels inside what the one before has added."""
    return '[' + ','.join('{"op":"add","path":"/data%s","value":%s}' % ('/0' * (step * i), '[' * step + ']' * step) for i in range(operations)) + ']'


def test_json_patches_that_nest(bounded_server, tenant):
    where = config_map(bounded_server, tenant, 'nests')
    copies = [{'op': 'add', 'path': '/data', 'value': {}}] + [{'op': 'copy', 'from': '/data', 'path': '/data' + '/a' * (i + 1)} for i in range(1000)]
    moves = [{'op': 'move', 'from': '/data', 'path': '/metadata/a' + '/b' * i} for i in range(1000)]
    with bounded_server.attack(limit_s=ATTACK_S):
        refused(bounded_server, tenant, 'PATCH', where, adding(9990, 11), JSON_PATCH, 400)   # 110,000 levels
        refused(bounded_server, tenant, 'PATCH', where, adding(NESTING_MAX - 4, 60), JSON_PATCH, 422)
        for patch in copies, moves:
            refused(bounded_server, tenant, 'PATCH', where, json.dumps(patch), JSON_PATCH, 422)


def test_documents_that_nest(bounded_server, tenant):
    where = config_map(bounded_server, tenant, 'deep')
    deep = 700_000
    texts = ['[' * deep + ']' * deep, '{"a":' * (deep // 3) + '1' + '}' * (deep // 3)]
    with bounded_server.attack(limit_s=2 * ATTACK_S):
        for text in texts:
            for headers in MERGE_PATCH, STRATEGIC_PATCH, JSON_PATCH:
                refused(bounded_server, tenant, 'PATCH', where, text, headers, 400)
            refused(bounded_server, tenant, 'PATCH', where + '?fieldManager=m', text, APPLY, 400)
            refused(bounded_server, tenant, 'POST', path(tenant, 'configmaps'), text, None, 400)
            refused(bounded_server, tenant, 'POST', path(tenant, 'configmaps'), '{"metadata":{"name":"x"},"unknown":' + text + '}', None, 400)
            refused(bounded_server, tenant, 'POST', path(tenant, 'configmaps'), text, YAML, 400)
            refused(bounded_server, tenant, 'POST', path(tenant, 'controllerrevisions', group='apis/apps/v1'), '{"metadata":{"name":"x"},"revision":1,"data":' + text + '}', None, 400)


def schema_of(opening, closing, levels):
    return opening * levels + '{"type":"string"}' + closing * levels


def definition(schema, name='as'):
    return json.dumps({'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{name}.example.com'},
                       'spec': {'group': 'example.com', 'scope': 'Cluster', 'names': {'plural': name, 'kind': name.title()},
                                'versions': [{'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': '@'}}]}}).replace('"@"', schema)


def test_definitions_that_nest(bounded_server, definer):
    properties = '{"type":"object","properties":{"a":', '}}'
    ways = [properties, ('{"type":"array","items":', '}'), ('{"type":"object","not":', '}'), ('{"type":"object","allOf":[', ']}'), ('{"type":"object","additionalProperties":', '}')]
    with bounded_server.attack(limit_s=3 * ATTACK_S):
        for opening, closing in ways:
            for levels in 2500, 20000:
                refused(bounded_server, definer, 'POST', CRDS, definition(schema_of(opening, closing, levels)), None, 400)
            # The deepest that can be read: validated, whatever comes of it.
            deepest = (NESTING_MAX - 8) // (closing.count('}') + closing.count(']'))
            answer = bounded_server.ask(definer, 'POST', CRDS + '?dryRun=All', definition(schema_of(opening, closing, deepest)))
            assert answer.status in (201, 422), answer
    good = definition(schema_of(*properties, 100), 'good')
    assert bounded_server.ask(definer, 'POST', CRDS, good).status == 201
    where = f'{CRDS}/good.example.com'
    for accept in 'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf':
        assert bounded_server.ask(definer, 'GET', where, headers={'Accept': accept}).status == 200
    assert bounded_server.ask(definer, 'PATCH', where, '{"metadata":{"labels":{"a":"b"}}}', MERGE_PATCH).status == 200


def test_expressions_that_nest(bounded_server, definer):
    with bounded_server.attack(limit_s=2 * ATTACK_S):
        for expression in '1' + ' + 1' * 20000, 'self' + '.a' * 40000, 'self' + '[0]' * 30000, '(' * 90000, '!' * 90000, '[' * 90000, 'self.a ? 1 : ' * 7000 + '1':
            schema = json.dumps({'type': 'object', 'properties': {'a': {'type': 'string'}}, 'x-kubernetes-validations': [{'rule': expression, 'message': 'm'}]})
            refused(bounded_server, definer, 'POST', CRDS, definition(schema), None, 422)


def test_protobuf_that_nests(bounded_server, tenant):
    inner = b''
    for _ in range(5000):
        inner = field(2, field(1, envelope('apps/v1', 'ControllerRevision', inner)))
        if len(inner) > 250_000:
            break
    metadata = field(1, field(1, b'nested'))
    with bounded_server.attack(limit_s=ATTACK_S):
        answer = bounded_server.ask(tenant, 'POST', path(tenant, 'controllerrevisions', group='apis/apps/v1'), envelope('apps/v1', 'ControllerRevision', metadata + inner), PROTOBUF)
        assert answer.status in (201, 400, 413, 422), answer
        for accept in 'application/json', 'application/yaml':
            assert bounded_server.ask(tenant, 'GET', path(tenant, 'controllerrevisions', 'nested', 'apis/apps/v1'), headers={'Accept': accept}).status in (200, 404)


# --- what cannot be read back -----------------------------------------------------------------------------------------------
def test_embedded_values_that_are_no_values(bounded_server, tenant):
    revisions = path(tenant, 'controllerrevisions', group='apis/apps/v1')
    answer = bounded_server.ask(tenant, 'POST', revisions, '{"metadata":{"name":"huge"},"revision":1,"data":{"a":1e999}}')
    assert answer.status == 201, answer
    for headers, patch in (MERGE_PATCH, '{"metadata":{"labels":{"a":"b"}}}'), (STRATEGIC_PATCH, '{"metadata":{"labels":{"a":"b"}}}'), (JSON_PATCH, '[{"op":"add","path":"/metadata/labels","value":{}}]'):
        refused(bounded_server, tenant, 'PATCH', f'{revisions}/huge', patch, headers, 400, 422)
    for n, raw in enumerate((b'{{{{', b'[' * 100000, b'"\xff', b'nul')):
        body = envelope('apps/v1', 'ControllerRevision', field(1, field(1, b'raw%d' % n)) + field(2, field(1, raw)) + b'\x18\x01')
        refused(bounded_server, tenant, 'POST', revisions, body, PROTOBUF, 400)


def test_an_image_of_spaces(bounded_server, tenant):
    pod = {'metadata': {'name': 'spaces'}, 'spec': {'containers': [{'name': 'c', 'image': '  '}]}}
    refused(bounded_server, tenant, 'POST', path(tenant, 'pods'), pod, None, 422)


# --- memory -----------------------------------------------------------------------------------------------------------------
def test_aliases_that_multiply(bounded_server, tenant):
    stranger = bounded_server.user()
    large = 'x' * 30000
    many = f'metadata: {{name: a}}\ndata:\n  k: &a {large}\n' + ''.join(f'  k{i}: *a\n' for i in range(5000))
    laughs = 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n' + ''.join(f'a{i}: &a{i} [' + ','.join([f'*a{i - 1}'] * 10) + ']\n' for i in range(1, 12))
    merged = f'a: &a {{k: {large}}}\nb:\n' + '- <<: *a\n' * 10000
    with bounded_server.attack(limit_s=ATTACK_S):
        for text in many, laughs, merged:
            refused(bounded_server, tenant, 'POST', path(tenant, 'configmaps'), text, YAML, 400)
            refused(bounded_server, tenant, 'PATCH', path(tenant, 'configmaps', 'a') + '?fieldManager=m', 'apiVersion: v1\nkind: ConfigMap\n' + text, APPLY, 400)
            # Somebody without any right: his body is not even read.
            refused(bounded_server, stranger, 'POST', path(tenant, 'configmaps'), text, YAML, 400, 403)


def test_empty_elements_that_multiply(bounded_server, tenant, definer):
    n = 900_000
    spec = '{"metadata":{"name":"p"},"spec":{"containers":[{}' + ',{}' * n + ']}}'
    proto = envelope('v1', 'Pod', field(1, field(1, b'p')) + field(2, b'\x12\x00' * n))
    wide = definition('{"type":"object","properties":{' + ','.join(f'"{i}":{{}}' for i in range(200_000)) + '}}')
    with bounded_server.attack(limit_s=2 * ATTACK_S):
        refused(bounded_server, tenant, 'POST', path(tenant, 'pods'), spec, None, 413)
        refused(bounded_server, tenant, 'POST', path(tenant, 'pods'), spec, YAML, 413)
        refused(bounded_server, tenant, 'POST', path(tenant, 'pods'), proto, PROTOBUF, 413)
        refused(bounded_server, definer, 'POST', CRDS, wide, None, 413)
        where = config_map(bounded_server, tenant, 'empty')
        for headers in MERGE_PATCH, STRATEGIC_PATCH:
            refused(bounded_server, tenant, 'PATCH', where, '{"data":[[]' + ',[]' * n + ']}', headers, 413)
        refused(bounded_server, tenant, 'PATCH', where + '?fieldManager=m', '{"apiVersion":"v1","kind":"ConfigMap","data":[[]' + ',[]' * n + ']}', APPLY, 413)


def test_as_much_as_may_be_decoded(bounded_server, tenant):
    """Just below the limit: the whole way of a write, several copies of it, and answered."""
    pods = '{"metadata":{"name":"p"},"spec":{"containers":[{}' + ',{}' * 55_000 + ']}}'
    data = ','.join(f'"k{i}":""' for i in range(100_000))
    with bounded_server.attack(limit_s=3 * ATTACK_S):
        refused(bounded_server, tenant, 'POST', path(tenant, 'pods'), pods, None, 422)
        answer = bounded_server.ask(tenant, 'POST', path(tenant, 'configmaps') + '?dryRun=All', '{"metadata":{"name":"w"},"data":{' + data + '}}')
        assert answer.status in (201, 413, 422), answer
        answer = bounded_server.ask(tenant, 'PATCH', path(tenant, 'configmaps', 'w') + '?fieldManager=m&dryRun=All', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"w"},"data":{' + data + '}}', APPLY)
        assert answer.status in (201, 413, 422), answer


def test_copies_that_double(bounded_server, tenant):
    where = config_map(bounded_server, tenant, 'double', k='x' * 1000)
    patch = [{'op': 'copy', 'from': '/data', 'path': f'/data/{i}'} for i in range(60)]
    with bounded_server.attack(limit_s=ATTACK_S):
        refused(bounded_server, tenant, 'PATCH', where, json.dumps(patch), JSON_PATCH, 422)


# --- time -------------------------------------------------------------------------------------------------------------------
def test_patches_that_take_long(bounded_server, tenant):
    where = config_map(bounded_server, tenant, 'slow', **{f'k{i:06}': '' for i in range(25_000)})
    nulls = '{"data":{' + ','.join(f'"k{i:06}":null' for i in range(60_000)) + '}}'
    between = '{"data":{' + ','.join(f'"k{i:06}x":""' for i in range(60_000)) + '}}'
    many = [{'op': 'add', 'path': '/a', 'value': list(range(200_000))}] + [{'op': 'add', 'path': '/a/0', 'value': 1}] * 2000
    with bounded_server.attack(limit_s=3 * ATTACK_S):
        for headers in MERGE_PATCH, STRATEGIC_PATCH:
            for patch in nulls, between:
                answer = bounded_server.ask(tenant, 'PATCH', where + '?dryRun=All', patch, headers)
                assert answer.status == 200, answer
        refused(bounded_server, tenant, 'PATCH', where, json.dumps(many), JSON_PATCH, 413)


def test_a_patch_that_names_one_element_again_and_again(bounded_server, tenant):
    env = [{'name': f'e{i}', 'value': 'x'} for i in range(15_000)]
    template = {'metadata': {'labels': {'a': 'b'}}, 'spec': {'containers': [{'name': 'c', 'image': 'i', 'env': env}]}}
    deployment = {'metadata': {'name': 'd'}, 'spec': {'replicas': 0, 'selector': {'matchLabels': {'a': 'b'}}, 'template': template}}
    deployments = path(tenant, 'deployments', group='apis/apps/v1')
    assert bounded_server.ask(tenant, 'POST', deployments, deployment).status == 201
    again = json.dumps({'spec': {'template': {'spec': {'containers': [{'name': 'c', 'env': [{'name': 'e0', 'value': 'y'}]}] * 20_000}}}})
    with bounded_server.attack(limit_s=ATTACK_S):
        refused(bounded_server, tenant, 'PATCH', f'{deployments}/d', again, STRATEGIC_PATCH, 413)


def test_objects_with_very_many_faults(bounded_server, tenant):
    pods = '{"metadata":{"name":"p"},"spec":{"containers":[{}' + ',{}' * 50_000 + ']}}'
    volumes = '{"metadata":{"name":"p"},"spec":{"volumes":[{}' + ',{}' * 90_000 + '],"containers":[{"name":"c","image":"i"}]}}'
    with bounded_server.attack(limit_s=2 * ATTACK_S):
        for body in pods, volumes:
            answer = refused(bounded_server, tenant, 'POST', path(tenant, 'pods'), body, None, 422)
            assert 'more errors' in answer.json()['message']


def test_objects_whose_rows_multiply(bounded_server, tenant):
    subset = {'addresses': [{'ip': '10.0.0.1'}] * 20_000, 'ports': [{'name': f'p{i}', 'port': 1} for i in range(20_000)]}
    answer = bounded_server.ask(tenant, 'POST', path(tenant, 'endpoints'), {'metadata': {'name': 'rows'}, 'subsets': [subset]})
    assert answer.status == 201, answer
    with bounded_server.attack(limit_s=ATTACK_S):
        answer = bounded_server.ask(tenant, 'GET', path(tenant, 'endpoints', 'rows'), headers={'Accept': 'application/json;as=Table;v=v1;g=meta.k8s.io'})
        assert answer.status == 200, answer


def test_long_paths_of_unknown_fields(bounded_server, definer):
    body = definition('{"type":"object","properties":{"' + 'k' * 500_000 + '":{' + '"bogus":1,' * 200_000 + '"type":"string"}}}')
    with bounded_server.attack(limit_s=ATTACK_S):
        refused(bounded_server, definer, 'POST', CRDS + '?fieldValidation=Strict', body, None, 400, answer_bytes_max=4 << 20)


def test_selectors_of_very_many_terms(bounded_server, tenant):
    labels = ','.join(f'!k{i}' for i in range(5000))
    fields = ','.join(f'metadata.name!=n{i}' for i in range(2000))
    with bounded_server.attack(limit_s=ATTACK_S):
        for query in f'labelSelector={labels}', f'fieldSelector={fields}':
            refused(bounded_server, tenant, 'GET', path(tenant, 'configmaps') + '?' + query, None, None, 400, 414, 431)
