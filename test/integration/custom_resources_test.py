"""Custom resources: served as soon as their definition is, kept over a restart, gone with it; what their schema says holds."""
import copy
import json
import threading
import urllib.error
import urllib.request

import pytest
import yaml
from support.cluster import ApiServer
from support.nodes import await_true

GROUP = 'wire.example.com'
SCHEMA = {'type': 'object', 'properties': {
    'spec': {'type': 'object', 'required': ['size'], 'properties': {
        'size': {'type': 'integer', 'minimum': 1, 'maximum': 10}, 'mode': {'type': 'string', 'enum': ['a', 'b'], 'default': 'a'},
        'tags': {'type': 'array', 'x-kubernetes-list-type': 'set', 'items': {'type': 'string'}},
        'any': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}, 'port': {'x-kubernetes-int-or-string': True}}},
    'status': {'type': 'object', 'properties': {'ready': {'type': 'boolean'}}}}}


def definition(plural='widgets', kind='Widget', **version):
    one = {'name': 'v1', 'served': True, 'storage': True, 'subresources': {'status': {}}, 'schema': {'openAPIV3Schema': SCHEMA},
           'additionalPrinterColumns': [{'name': 'Size', 'type': 'integer', 'jsonPath': '.spec.size'}, {'name': 'Age', 'type': 'date', 'jsonPath': '.metadata.creationTimestamp'}],
           'selectableFields': [{'jsonPath': '.spec.mode'}], **version}
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{plural}.{GROUP}'},
            'spec': {'group': GROUP, 'scope': 'Namespaced', 'names': {'plural': plural, 'singular': kind.lower(), 'kind': kind, 'shortNames': [plural[:2] + 'x'], 'categories': ['all']},
                     'versions': [one]}}


def widget(name, kind='Widget', version='v1', **spec):
    return {'apiVersion': f'{GROUP}/{version}', 'kind': kind, 'metadata': {'name': name, 'labels': {'called': name}}, 'spec': {'size': 3, **spec}}


def condition(crd, kind):
    return next((c for c in crd.get('status', {}).get('conditions', []) if c['type'] == kind), {})


def establish(server, crd):
    server.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(crd))
    name = crd['metadata']['name']
    await_true(f'{name} established', lambda: condition(json.loads(server.kubectl('get', 'crd', name, '-o', 'json')), 'Established').get('status') == 'True')


def remove(server, crd):
    server.kubectl('delete', 'crd', crd['metadata']['name'])


@pytest.fixture(scope='module')
def server():
    with ApiServer() as s:
        yield s
        s.check_held()


@pytest.fixture
def widgets(ns):
    crd = definition()
    establish(ns.server, crd)
    yield ns
    remove(ns.server, crd)


def refused(ns, obj, *flags):
    done = ns.kubectl('create', '-f', '-', *flags, stdin=yaml.safe_dump(obj), check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def raw(server, path, method='GET', body=None, **headers):
    """(status, body) of a request as the administrator."""
    request = urllib.request.Request(server.url + path, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, context=server.context, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def test_defaults_pruning_and_validation(widgets):
    widgets.apply(widget('ok', any={'x': {'deep': 1}}, port='http'))
    got = widgets.json('get', 'widget', 'ok')
    assert got['spec'] == {'size': 3, 'mode': 'a', 'any': {'x': {'deep': 1}}, 'port': 'http'} and got['metadata']['generation'] == 1
    assert list(got) == ['apiVersion', 'kind', 'metadata', 'spec']
    done = widgets.kubectl('create', '-f', '-', '--validate=warn', stdin=yaml.safe_dump(widget('extra', bogus=1)), check=False)
    assert done.returncode == 0 and 'unknown field "spec.bogus"' in done.stderr
    assert 'bogus' not in widgets.json('get', 'widget', 'extra')['spec']
    assert 'unknown field "spec.bogus"' in refused(widgets, widget('strict', bogus=1), '--validate=strict')
    assert 'spec.size in body should be less than or equal to 10' in refused(widgets, widget('big', size=11))
    assert 'spec.mode: Unsupported value: "c"' in refused(widgets, widget('mode', mode='c'))
    assert 'spec.tags[1]: Duplicate value: "x"' in refused(widgets, widget('tags', tags=['x', 'x']))
    assert 'spec.size: Invalid value: "string"' in refused(widgets, widget('type', size='three'))
    assert 'metadata.name' in refused(widgets, widget('Bad_Name'))


def test_tables_selectors_and_forms(widgets):
    widgets.apply(widget('one'), widget('two', mode='b', size=7))
    rows = widgets.kubectl('get', 'wix').splitlines()
    assert rows[0].split() == ['NAME', 'SIZE', 'AGE'] and [r.split()[:2] for r in rows[1:]] == [['one', '3'], ['two', '7']]
    assert widgets.kubectl('get', 'widgets', '-l', 'called=two', '-o', 'name') == f'widget.{GROUP}/two\n'
    assert widgets.kubectl('get', 'widgets', '--field-selector=spec.mode=b', '-o', 'name') == f'widget.{GROUP}/two\n'
    path = f'/apis/{GROUP}/v1/namespaces/{widgets.name}/widgets'
    assert raw(widgets.server, path, Accept='application/vnd.kubernetes.protobuf')[0] == 406
    assert raw(widgets.server, path, 'POST', b'k8s\0', **{'Content-Type': 'application/vnd.kubernetes.protobuf'})[0] in (400, 415)
    assert raw(widgets.server, path + '/one', 'PATCH', b'{}', **{'Content-Type': 'application/strategic-merge-patch+json'})[0] == 415
    items = json.loads(raw(widgets.server, path)[1])
    assert items['kind'] == 'WidgetList' and all(i['kind'] == 'Widget' and i['apiVersion'] == f'{GROUP}/v1' for i in items['items'])
    partial = json.loads(raw(widgets.server, path, Accept='application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1')[1])
    assert [i['metadata']['name'] for i in partial['items']] == ['one', 'two'] and 'spec' not in partial['items'][0]


def test_patches_status_and_apply(widgets):
    widgets.apply(widget('w'))
    widgets.kubectl('patch', 'widget', 'w', '--type=merge', '-p', '{"spec":{"size":5}}')
    widgets.kubectl('patch', 'widget', 'w', '--type=json', '-p', '[{"op":"add","path":"/spec/tags","value":["t"]}]')
    widgets.kubectl('patch', 'widget', 'w', '--subresource=status', '--type=merge', '-p', '{"status":{"ready":true},"spec":{"size":9}}')
    widgets.kubectl('patch', 'widget', 'w', '--type=merge', '-p', '{"status":{"ready":false}}')
    got = widgets.json('get', 'widget', 'w')
    assert (got['spec'], got['status'], got['metadata']['generation']) == ({'size': 5, 'mode': 'a', 'tags': ['t']}, {'ready': True}, 3)
    conflict = widgets.kubectl('apply', '--server-side', '--field-manager=other', '-f', '-', stdin=yaml.safe_dump(widget('w', size=8)), check=False)
    assert conflict.returncode != 0 and '.spec.size' in conflict.stderr
    widgets.kubectl('apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', '-', stdin=yaml.safe_dump(widget('w', size=8)))
    got = widgets.json('get', 'widget', 'w', '--show-managed-fields')
    owner = next(f for f in got['metadata']['managedFields'] if f['manager'] == 'other')
    assert got['spec']['size'] == 8 and 'f:size' in owner['fieldsV1']['f:spec'] and owner['operation'] == 'Apply'
    stale = {**got, 'metadata': {**got['metadata'], 'resourceVersion': '1'}}
    assert raw(widgets.server, f'/apis/{GROUP}/v1/namespaces/{widgets.name}/widgets/w', 'PUT', json.dumps(stale).encode(), **{'Content-Type': 'application/json'})[0] == 409


def test_a_definition_goes_with_its_objects_under_a_watch(ns):
    crd = definition('gadgets', 'Gadget')
    establish(ns.server, crd)
    ns.apply(widget('held', 'Gadget'), widget('free', 'Gadget'))
    ns.kubectl('patch', 'gadget', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":["example.com/mine"]}}')
    seen, ended = [], threading.Event()

    def watch():
        with urllib.request.urlopen(ns.server.url + f'/apis/{GROUP}/v1/gadgets?watch=true', context=ns.server.context, timeout=60) as answer:
            for line in answer:
                event = json.loads(line)
                seen.append((event['type'], event['object'].get('metadata', {}).get('name')))
        ended.set()
    thread = threading.Thread(target=watch)
    thread.start()
    await_true('the watch has both', lambda: len(seen) == 2)
    ns.server.kubectl('delete', 'crd', crd['metadata']['name'], '--wait=false')
    await_true('the free one goes', lambda: ('DELETED', 'free') in seen)
    got = json.loads(ns.server.kubectl('get', 'crd', crd['metadata']['name'], '-o', 'json'))
    assert got['metadata']['generation'] == 1
    assert got['metadata']['finalizers'] == ['customresourcecleanup.apiextensions.k8s.io'] and condition(got, 'Terminating')['status'] == 'True'
    ns.kubectl('patch', 'gadget', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
    await_true('the definition goes', lambda: ns.server.kubectl('get', 'crd', crd['metadata']['name'], check=False).returncode != 0, timeout_s=90)
    await_true('the watch ends', ended.is_set)
    thread.join()
    assert ns.server.status(f'/apis/{GROUP}/v1/gadgets') == 404


def test_scale(ns):
    crd = definition('scalers', 'Scaler')
    schema = copy.deepcopy(SCHEMA)
    schema['properties']['status']['properties'].update(count={'type': 'integer'}, selector={'type': 'string'})
    schema['properties']['spec'] = {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}
    one = crd['spec']['versions'][0]  # kubectl scales in the preferred version
    one.update(schema={'openAPIV3Schema': schema}, selectableFields=[], subresources={
        'status': {}, 'scale': {'specReplicasPath': '.spec.size', 'statusReplicasPath': '.status.count', 'labelSelectorPath': '.status.selector'}})
    crd['spec']['versions'].append({**one, 'name': 'v1beta1', 'storage': False, 'subresources': {'status': {}}})
    establish(ns.server, crd)
    path = f'/apis/{GROUP}/v1/namespaces/{ns.name}/scalers'
    ns.apply(widget('s', 'Scaler'))
    ns.kubectl('patch', 'scaler', 's', '--subresource=status', '--type=merge', '-p', '{"status":{"count":2,"selector":"a=b"}}')
    ns.kubectl('scale', 'scaler', 's', '--replicas=7', '--current-replicas=3')
    got = json.loads(raw(ns.server, path + '/s/scale')[1])
    assert (got['kind'], got['spec'], got['status']) == ('Scale', {'replicas': 7}, {'replicas': 2, 'selector': 'a=b'})
    stored = ns.json('get', 'scaler', 's', '--show-managed-fields')
    assert stored['spec']['size'] == 7 and stored['metadata']['generation'] == 2
    assert any(m.get('subresource') == 'scale' and m['fieldsV1'] == {'f:spec': {'f:size': {}}} for m in stored['metadata']['managedFields']), json.dumps(stored['metadata']['managedFields'])
    stale = {**got, 'metadata': {**got['metadata'], 'resourceVersion': '1'}}
    assert raw(ns.server, path + '/s/scale', 'PUT', json.dumps(stale).encode(), **{'Content-Type': 'application/json'})[0] == 409
    negative = {**got, 'spec': {'replicas': -1}}
    assert raw(ns.server, path + '/s/scale', 'PUT', json.dumps(negative).encode(), **{'Content-Type': 'application/json'})[0] == 422
    assert 'spec.size: Invalid value: -1: should be a non-negative integer' in refused(ns, widget('minus', 'Scaler', size=-1))
    unsaid = widget('unsaid', 'Scaler')
    del unsaid['spec']
    ns.apply(unsaid)
    assert raw(ns.server, path + '/unsaid/scale')[0] == 500
    assert raw(ns.server, path + '/unsaid/scale', 'PATCH', b'{"spec":{"replicas":4}}', **{'Content-Type': 'application/merge-patch+json'})[0] == 200
    assert json.loads(raw(ns.server, path + '/unsaid/scale')[1])['spec'] == {'replicas': 4}
    assert ns.server.status(f'/apis/{GROUP}/v1beta1/namespaces/{ns.name}/scalers/s/scale') == 404
    remove(ns.server, crd)


def test_names_in_use_wait_for_their_holder(widgets):
    rival = definition('widgetries', 'Widget')
    widgets.server.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(rival))

    def read():
        return json.loads(widgets.server.kubectl('get', 'crd', rival['metadata']['name'], '-o', 'json'))
    await_true('the conflict is told', lambda: condition(read(), 'NamesAccepted').get('status') == 'False')
    assert condition(read(), 'NamesAccepted')['reason'] == 'ListKindConflict' and condition(read(), 'Established')['reason'] == 'NotAccepted'
    assert widgets.server.status(f'/apis/{GROUP}/v1/widgetries') == 404
    remove(widgets.server, rival)


def test_rules_are_evaluated(ns):
    ruled = definition('rulers', 'Ruler')
    schema = copy.deepcopy(SCHEMA)
    spec = schema['properties']['spec']
    spec['x-kubernetes-validations'] = [{'rule': "self.mode != 'b' || self.size < 5", 'messageExpression': 'string(self.size)'},
                                        {'rule': 'self.size >= oldSelf.size', 'message': 'it never shrinks', 'reason': 'FieldValueForbidden', 'fieldPath': '.size'}]
    spec['properties']['tags']['items']['x-kubernetes-validations'] = [{'rule': "self.startsWith('t')"}]
    ruled['spec']['versions'][0]['schema'] = {'openAPIV3Schema': schema}
    establish(ns.server, ruled)
    ns.apply(widget('r', 'Ruler', tags=['t1']))
    assert 'spec: Invalid value: 6' in refused(ns, widget('b', 'Ruler', mode='b', size=6))
    assert "failed rule: self.startsWith('t')" in refused(ns, widget('t', 'Ruler', tags=['t', 'x']))
    done = ns.kubectl('patch', 'ruler', 'r', '--type=merge', '-p', '{"spec":{"size":2}}', check=False)
    assert done.returncode != 0 and 'spec.size: Forbidden: it never shrinks' in done.stderr
    ns.kubectl('patch', 'ruler', 'r', '--type=merge', '-p', '{"spec":{"size":4}}')
    dear = definition('dears', 'Dear')
    schema = copy.deepcopy(SCHEMA)
    schema['properties']['spec']['x-kubernetes-validations'] = [{'rule': 'self.tags.all(a, self.tags.all(b, self.tags.all(c, a.size() + b.size() + c.size() >= 0)))'}]
    dear['spec']['versions'][0]['schema'] = {'openAPIV3Schema': schema}
    assert 'estimated rule cost exceeds budget by factor of more than 100x' in refused(ns, dear)
    remove(ns.server, ruled)


def test_versions_without_conversion_and_a_schema_that_changes(ns):
    crd = definition('parts', 'Part')
    crd['spec']['versions'].append({**copy.deepcopy(crd['spec']['versions'][0]), 'name': 'v1beta1', 'storage': False})
    establish(ns.server, crd)
    ns.apply(widget('p', 'Part', 'v1beta1'))
    assert [json.loads(ns.kubectl('get', f'parts.{v}.{GROUP}', 'p', '-o', 'json'))['apiVersion'] for v in ('v1', 'v1beta1')] == [f'{GROUP}/v1', f'{GROUP}/v1beta1']
    for version in crd['spec']['versions']:
        version['schema'] = copy.deepcopy(version['schema'])
        version['schema']['openAPIV3Schema']['properties']['spec']['properties']['color'] = {'type': 'string', 'default': 'red'}
    ns.server.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(crd))
    await_true('what is stored has the new default', lambda: ns.json('get', 'part', 'p')['spec'].get('color') == 'red')
    remove(ns.server, crd)


def test_definitions_and_objects_outlive_the_server(tmp_path):
    with ApiServer(folder=tmp_path) as server:
        establish(server, definition())
        server.kubectl('create', '-f', '-', stdin=yaml.safe_dump(widget('kept')))
        before = server.kubectl('get', 'widget', 'kept', '-o', 'json')
    with ApiServer(folder=tmp_path) as server:
        assert server.kubectl('get', 'widget', 'kept', '-o', 'json') == before
        assert f'{GROUP}/v1' in server.kubectl('api-versions')
