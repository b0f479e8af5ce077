"""Custom resources of several versions: objects are stored in one and shown in each, by a webhook or by what each version's schema keeps. The same
tests run against upstream's server where build/peers has it."""
import base64
import json

import pytest
from support.cluster import ApiServer
from support.conversion_webhook import GROUP, ConversionWebhook, convert, definition
from support.custom_resources import CRDS, Client, Watch
from support.nodes import await_true
from support.peers import PEERS, lacking

def path(version, name='', plural='hosts', ns='default'):
    return f'/apis/{GROUP}/{version}/namespaces/{ns}/{plural}' + (f'/{name}' if name else '')


def host(name, version='v1', kind='Host', **spec):
    return {'apiVersion': f'{GROUP}/{version}', 'kind': kind, 'metadata': {'name': name}, 'spec': spec}


@pytest.fixture(scope='module', params=['pintle', 'upstream'])
def server(request):
    if request.param == 'upstream' and lacking('kube-apiserver', 'etcd'):
        pytest.skip(lacking('kube-apiserver', 'etcd'))
    with ApiServer(upstream=PEERS if request.param == 'upstream' else None) as s:
        yield s
        if not s.upstream:
            s.check_held()


@pytest.fixture(scope='module')
def webhook(server):
    webhook = ConversionWebhook(server.pki)
    yield webhook
    webhook.stop()


@pytest.fixture
def call(server):
    return Client(server)


@pytest.fixture
def hosts(call, webhook):
    """A definition of its own for each test, stored in v1."""
    webhook.behave = webhook.good
    name = call.define(definition(webhook.client_config()))
    webhook.calls.clear()
    yield call
    webhook.behave = webhook.good
    call.undefine(name)


def test_each_version_shows_what_is_stored_in_one(hosts, webhook):
    status, made = hosts(path('v2'), 'POST', host('a', 'v2', host='h', port='80'))
    assert status == 201 and made['spec'] == {'host': 'h', 'port': '80'} and made['apiVersion'] == f'{GROUP}/v2', made
    assert webhook.calls[0]['desiredAPIVersion'] == f'{GROUP}/v1' and webhook.calls[0]['objects'][0]['spec'] == {'host': 'h', 'port': '80'}
    status, got = hosts(path('v1', 'a'))
    assert (status, got['spec'], got['apiVersion'], got['kind']) == (200, {'hostPort': 'h:80'}, f'{GROUP}/v1', 'Host')
    got2 = hosts(path('v2', 'a'))[1]
    assert got2['spec'] == {'host': 'h', 'port': '80'} and got2['metadata']['uid'] == got['metadata']['uid'] == made['metadata']['uid']
    assert got2['metadata']['resourceVersion'] == got['metadata']['resourceVersion'] and got2['metadata']['annotations'] == {'converted-to': 'v2'}
    hosts(path('v1'), 'POST', host('b', hostPort='g:1'))
    listed = hosts(path('v3'))[1]
    assert listed['kind'] == 'HostList' and [(i['apiVersion'], i['kind'], i['spec']) for i in listed['items']] == [
        (f'{GROUP}/v3', 'Host', {'host': h, 'port': p}) for h, p in (('h', '80'), ('g', '1'))]
    table = hosts(path('v2'), Accept='application/json;as=Table;g=meta.k8s.io;v=v1')[1]
    assert [r['cells'] for r in table['rows']] == [['a', 'h'], ['b', 'g']]
    partial = hosts(path('v2', 'a'), Accept='application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1')[1]
    assert partial['metadata']['annotations'] == {'converted-to': 'v2'}


def test_writes_keep_to_the_version_that_they_are_in(hosts):
    hosts(path('v1'), 'POST', host('a', hostPort='h:80'))
    got = hosts(path('v2', 'a'))[1]
    got['spec']['port'] = '81'
    status, put = hosts(path('v2', 'a'), 'PUT', got)
    assert (status, put['spec']) == (200, {'host': 'h', 'port': '81'}) and put['metadata']['generation'] == 2
    assert hosts(path('v1', 'a'))[1]['spec'] == {'hostPort': 'h:81'}
    status, patched = hosts(path('v2', 'a'), 'PATCH', {'spec': {'host': 'i'}}, 'application/merge-patch+json')
    assert (status, patched['spec']) == (200, {'host': 'i', 'port': '81'})
    status, refused = hosts(path('v2', 'a'), 'PATCH', {'spec': {'port': '123456'}}, 'application/merge-patch+json')
    assert status == 422 and refused['details']['causes'][0]['field'] == 'spec.port', refused
    status, patched = hosts(path('v2', 'a'), 'PATCH', [{'op': 'replace', 'path': '/spec/host', 'value': 'j'}], 'application/json-patch+json')
    assert (status, patched['spec']) == (200, {'host': 'j', 'port': '81'})
    status, shown = hosts(path('v2', 'a') + '/status', 'PATCH', {'status': {'ok': True}, 'spec': {'host': 'never'}}, 'application/merge-patch+json')
    assert (status, shown['status'], shown['spec']) == (200, {'ok': True}, {'host': 'j', 'port': '81'})
    assert hosts(path('v1', 'a'))[1]['status'] == {'ok': True}
    same = hosts(path('v2', 'a'))[1]
    status, again = hosts(path('v2', 'a'), 'PUT', same)
    assert status == 200 and again['metadata']['resourceVersion'] == same['metadata']['resourceVersion']  # it is stored so already
    status, dry = hosts(path('v2') + '?dryRun=All', 'POST', host('dry', 'v2', host='d', port='1'))
    assert status == 201 and dry['spec'] == {'host': 'd', 'port': '1'} and dry['metadata']['annotations'] == {'converted-to': 'v2'}
    assert hosts(path('v1', 'dry'))[0] == 404


def test_scale_and_status_are_of_the_version(hosts):
    hosts(path('v1'), 'POST', host('a', hostPort='h:80'))
    assert hosts(path('v1', 'a') + '/scale')[0] == 404
    hosts(path('v3', 'a'), 'PATCH', {'spec': {'replicas': 2}}, 'application/merge-patch+json')
    # v1 does not know replicas: what it does not declare is not stored.
    status, scale = hosts(path('v3', 'a') + '/scale')
    assert status == 500 and 'the spec replicas field' in scale['message'], scale


def test_owners_lose_what_another_version_changes(hosts):
    applied = host('a', 'v1', hostPort='h:80')
    status, _ = hosts(path('v1', 'a') + '?fieldManager=one', 'PATCH', applied, 'application/apply-patch+yaml')
    assert status == 201
    status, conflict = hosts(path('v2', 'a') + '?fieldManager=two', 'PATCH', host('a', 'v2', host='i'), 'application/apply-patch+yaml')
    assert status == 409 and [c['field'] for c in conflict['details']['causes']] == ['.spec.hostPort'], conflict
    status, forced = hosts(path('v2', 'a') + '?fieldManager=two&force=true', 'PATCH', host('a', 'v2', host='i'), 'application/apply-patch+yaml')
    assert status == 200 and forced['spec'] == {'host': 'i', 'port': '80'}, forced
    owners = {f['manager']: (f['apiVersion'], f['fieldsV1']) for f in forced['metadata']['managedFields']}
    assert owners['two'] == (f'{GROUP}/v2', {'f:spec': {'f:host': {}}}) and 'f:hostPort' not in json.dumps(owners.get('one', '')), owners


def test_watches_show_their_version(hosts, server):
    hosts(path('v1'), 'POST', host('a', hostPort='h:80'))
    version = hosts(path('v1'))[1]['metadata']['resourceVersion']
    watches = [Watch(server, path(v) + f'?watch=true&timeoutSeconds=20&resourceVersion={version}') for v in ('v1', 'v2')]
    selected = Watch(server, path('v2') + f'?watch=true&timeoutSeconds=20&fieldSelector=spec.host=h&resourceVersion={version}')
    hosts(path('v1'), 'POST', host('b', hostPort='h:1'))
    hosts(path('v2', 'b'), 'PATCH', {'spec': {'port': '2'}}, 'application/merge-patch+json')
    hosts(path('v2', 'b'), 'PATCH', {'spec': {'host': 'other'}}, 'application/merge-patch+json')
    hosts(path('v1', 'b'), 'DELETE')
    for watch in watches:
        await_true('all four events', lambda watch=watch: len(watch.seen) >= 4)
    assert [(t, o['spec']) for t, o in watches[0].seen] == [('ADDED', {'hostPort': 'h:1'}), ('MODIFIED', {'hostPort': 'h:2'}), ('MODIFIED', {'hostPort': 'other:2'}),
                                                           ('DELETED', {'hostPort': 'other:2'})]
    assert [(t, o['apiVersion'], o['spec']) for t, o in watches[1].seen] == [(t, f'{GROUP}/v2', {'host': h, 'port': p}) for t, h, p in (
        ('ADDED', 'h', '1'), ('MODIFIED', 'h', '2'), ('MODIFIED', 'other', '2'), ('DELETED', 'other', '2'))]
    await_true('the three that were selected', lambda: len(selected.seen) >= 3)
    assert [t for t, _ in selected.seen] == ['ADDED', 'MODIFIED', 'DELETED']


def test_fields_are_selected_by_in_their_version(hosts):
    hosts(path('v1'), 'POST', host('a', hostPort='h:80'))
    hosts(path('v1'), 'POST', host('b', hostPort='g:80'))
    assert [i['metadata']['name'] for i in hosts(path('v2') + '?fieldSelector=spec.host=g')[1]['items']] == ['b']
    assert hosts(path('v1') + '?fieldSelector=spec.host=g')[0] == 400
    status, gone = hosts(path('v2') + '?fieldSelector=spec.host=g', 'DELETE')
    assert status == 200, gone
    assert [i['metadata']['name'] for i in hosts(path('v1'))[1]['items']] == ['a']


@pytest.mark.parametrize('limit', [1, 2, 3, 100])
def test_pages_that_fields_select_are_full(hosts, limit):
    """A page holds as many as it may as long as there are more, and the next one goes on after it."""
    for i in range(12):
        hosts(path('v1'), 'POST', host(f'p{i:02}', hostPort=('h' if i % 4 == 1 else 'g') + ':80'))
    wanted, token, pages = ['p01', 'p05', 'p09'], '', []
    await_true('every cache has heard of them', lambda: len(hosts(path('v2'))[1]['items']) == 12)
    while True:
        status, page = hosts(f'{path("v2")}?fieldSelector=spec.host=h&limit={limit}' + (f'&continue={token}' if token else ''))
        assert status == 200, page
        pages.append([item['metadata']['name'] for item in page['items']])
        token = page['metadata'].get('continue', '')
        if not token:
            break
    assert sum(pages, []) == wanted and all(len(page) == limit for page in pages[:-1]), pages


CALLS = 'apiserver_conversion_webhook_request_total'


def counted(server):
    """The calls that the server has counted, by what came of them."""
    lines = [line for line in server.get('/metrics').decode().splitlines() if line.startswith(CALLS + '{')]
    return {line[len(CALLS) + 1:line.index('}')].replace(',', ' '): int(float(line.split()[-1])) for line in lines}


def test_calls_are_counted(hosts, webhook, server):
    before = counted(server)
    hosts(path('v2'), 'POST', host('a', 'v2', host='h', port='1'))
    for how in FAILURES:
        webhook.behave = lambda review, how=how: FAILURES[how][0](webhook, review)
        assert hosts(path('v2'), 'POST', host(f'f-{how.replace(" ", "-")}', 'v2', host='h', port='1'))[0] == 500
    webhook.behave = webhook.good
    more = {key for key, count in counted(server).items() if count > before.get(key, 0)}
    assert more == {'failure_type="" result="success"'} | {f'failure_type="conversion_webhook_{fault}_failure" result="failure"' for fault in (
        'call', 'malformed_response', 'partial_response', 'invalid_converted_object')}
    page = server.get('/metrics').decode()
    crd = f'crd_name="hosts.{GROUP}",from_version="v2",succeeded="true",to_version="v1"'
    assert f'apiserver_crd_conversion_webhook_duration_seconds_count{{{crd}}}' in page
    assert 'apiserver_conversion_webhook_duration_seconds_bucket{failure_type="",result="success",le="0.005"}' in page


def test_bundles_of_authorities(call, webhook):
    """One that is of no use keeps a new definition from being served, and is refused where there was a good one."""
    crd = definition(webhook.client_config(), 'bundles', 'Bundle')
    at = f'{CRDS}/bundles.{GROUP}'

    def change(bundle):
        status, answer = call(at, 'PATCH', {'spec': {'conversion': {'webhook': {'clientConfig': {'caBundle': bundle}}}}}, 'application/merge-patch+json')
        return status, answer.get('message', '')

    def conditions():
        return {c['type']: (c['status'], c['reason'], c['message']) for c in call(at)[1].get('status', {}).get('conditions', [])}
    no_pem, no_certificate = 'aGVsbG8=', base64.b64encode(b'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n').decode()
    crd['spec']['conversion']['webhook']['clientConfig']['caBundle'] = no_pem
    assert call(CRDS, 'POST', crd)[0] == 201
    await_true('it is judged', lambda: 'Established' in conditions())
    assert conditions()['Established'] == ('False', 'InvalidCABundle', 'The conversion webhook CABundle is invalid')
    assert call(path('v1', plural='bundles'))[0] != 200
    assert change(no_certificate)[0] == 200 and change(webhook.ca_bundle)[0] == 200
    await_true('it is served', lambda: call(path('v1', plural='bundles'))[0] == 200)
    assert conditions()['Established'][:2] == ('True', 'InitialNamesAccepted')
    field, why = 'spec.conversion.webhookClientConfig.caBundle: Invalid value: ', 'unable to load root certificates: '
    assert change(no_pem) == (422, f'CustomResourceDefinition.apiextensions.k8s.io "bundles.{GROUP}" is invalid: {field}"{no_pem}": {why}unable to parse bytes as PEM block')
    assert change(no_certificate) == (
        422, f'CustomResourceDefinition.apiextensions.k8s.io "bundles.{GROUP}" is invalid: {field}"{no_certificate}": {why}failed to parse certificate: x509: malformed certificate')
    status, now = call(at)
    now['spec']['conversion'] = {'strategy': 'None'}
    assert call(at, 'PUT', now)[0] == 200
    _, now = call(at)
    now['spec']['conversion'] = crd['spec']['conversion']
    assert call(at, 'PUT', now)[0] == 422
    call.undefine(f'bundles.{GROUP}')


def test_another_storage_version_takes_over_as_objects_are_written(hosts, webhook):
    def storage_hash():
        return next(r['storageVersionHash'] for r in hosts(f'/apis/{GROUP}/v2')[1]['resources'] if r['name'] == 'hosts')

    hosts(path('v1'), 'POST', host('old', hostPort='h:80'))
    in_v1 = storage_hash()
    name = hosts.define(definition(webhook.client_config(), storage='v2'))
    await_true('both versions are stored', lambda: hosts(f'{CRDS}/{name}')[1]['status']['storedVersions'] == ['v1', 'v2'])
    await_true('the server stores the new one', lambda: storage_hash() != in_v1)    # some time after the definition says so
    assert hosts(path('v1', 'old'))[1]['spec'] == {'hostPort': 'h:80'} and hosts(path('v2', 'old'))[1]['spec'] == {'host': 'h', 'port': '80'}
    hosts(path('v1'), 'POST', host('new', hostPort='g:1'))
    before = hosts(path('v2', 'old'))[1]
    status, migrated = hosts(path('v2', 'old'), 'PUT', before)  # nothing changes but how it is stored
    assert status == 200 and migrated['metadata']['resourceVersion'] != before['metadata']['resourceVersion']
    again = hosts(path('v2', 'old'), 'PUT', migrated)[1]
    assert again['metadata']['resourceVersion'] == migrated['metadata']['resourceVersion']
    status, kept = hosts(f'{CRDS}/{name}/status', 'PATCH', {'status': {'storedVersions': ['v2']}}, 'application/merge-patch+json')
    assert status == 200 and kept['status']['storedVersions'] == ['v2'], kept
    webhook.calls.clear()
    hosts(path('v2', 'old'))
    if not hosts.server.upstream:  # whose caches of other versions may ask at any time
        assert webhook.calls == []


def test_v1beta1_is_spoken_where_it_is_all_that_is_taken(hosts, webhook):
    name = hosts.define(definition(webhook.client_config(), 'olds', 'Old', review_versions=['v1beta1']))
    asked = []
    webhook.behave = lambda review: (asked.append(review['apiVersion']), webhook.good(review))[1]
    status, made = hosts(path('v2', plural='olds'), 'POST', host('a', 'v2', 'Old', host='h', port='1'))
    assert status == 201 and made['spec'] == {'host': 'h', 'port': '1'} and set(asked) == {'apiextensions.k8s.io/v1beta1'}
    hosts.undefine(name)


FAILURES = {
    'says no': (lambda w, r: w.answer(r, [], result={'status': 'Failure', 'message': 'will not'}), 'conversion webhook for convert.example.com/v2, Kind=Host failed: will not'),
    'loses one': (lambda w, r: w.answer(r, []), 'conversion webhook for convert.example.com/v2, Kind=Host returned 0 objects, expected 1'),
    'other uid': (lambda w, r: w.answer(r, [], uid='x'), 'failed: expected response.uid='),
    'other name': (lambda w, r: w.answer(r, [{**convert(o, 'v1'), 'metadata': {**o['metadata'], 'name': 'x'}} for o in r['request']['objects']]),
                   'returned invalid object: must have the same name: a != x'),
    'other version': (lambda w, r: w.answer(r, r['request']['objects']), 'invalid groupVersion (expected convert.example.com/v1, received convert.example.com/v2)'),
    'other kind': (lambda w, r: w.answer(r, [{**convert(o, 'v1'), 'kind': 'X'} for o in r['request']['objects']]), 'invalid kind (expected Host, received X)'),
    'bad label': (lambda w, r: w.answer(r, [{**convert(o, 'v1'), 'metadata': {**o['metadata'], 'labels': {'a': 1}}} for o in r['request']['objects']]),
                  'returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object'),
    'garbage': (lambda w, r: b'<html>', 'conversion webhook for convert.example.com/v2, Kind=Host failed: '),
}


@pytest.mark.parametrize('how', FAILURES)
def test_what_webhooks_do_wrong_fails_the_write(hosts, webhook, how):
    behave, message = FAILURES[how]
    webhook.behave = lambda review: behave(webhook, review)
    status, answer = hosts(path('v2'), 'POST', host('a', 'v2', host='h', port='1'))
    assert status == 500 and message in answer['message'], answer
    webhook.behave = webhook.good
    assert hosts(path('v1', 'a'))[0] == 404


def test_metadata_is_not_the_webhooks_to_change(hosts, webhook):
    def meddle(review):
        answer = webhook.good(review)
        for o in answer['response']['convertedObjects']:
            o['metadata'].update(generation=99, finalizers=['example.com/x'], labels={'mine': 'yes'}, creationTimestamp='2000-01-01T00:00:00Z')
        return answer
    webhook.behave = meddle
    status, made = hosts(path('v2'), 'POST', host('a', 'v2', host='h', port='1'))
    assert status == 201 and made['metadata']['generation'] == 1 and 'finalizers' not in made['metadata'], made
    assert made['metadata']['labels'] == {'mine': 'yes'} and not made['metadata']['creationTimestamp'].startswith('2000')


def test_versions_without_a_webhook_keep_what_they_declare(call):
    name = call.define(definition(plural='plains', kind='Plain'))
    status, made = call(path('v3', plural='plains'), 'POST', host('a', 'v3', 'Plain', host='h', port='1', replicas=3))
    assert status == 201, made
    # It is stored in v1, which declares none of these.
    assert call(path('v1', 'a', 'plains'))[1]['spec'] == {} and call(path('v2', 'a', 'plains'))[1]['spec'] == {}
    call(path('v1', plural='plains'), 'POST', host('b', 'v1', 'Plain', hostPort='h:1'))
    assert call(path('v1', 'b', 'plains'))[1]['spec'] == {'hostPort': 'h:1'} and call(path('v3', 'b', 'plains'))[1]['spec'] == {}
    call.undefine(name)


def test_a_version_that_is_not_served_is_still_converted_from(hosts, webhook):
    hosts(path('v1'), 'POST', host('a', hostPort='h:80'))
    hosts.define(definition(webhook.client_config(), storage='v2', served=('v2', 'v3')))
    await_true('v1 is gone', lambda: hosts(path('v1'))[0] == 404)
    assert hosts(path('v2', 'a'))[1]['spec'] == {'host': 'h', 'port': '80'}
