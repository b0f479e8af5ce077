"""Admission webhooks beside upstream's API server: the reviews they are sent, what their answers do to a request, and how their failures are told.

The servers run in a network of their own, where 203.0.113.7 is an address of this machine that an EndpointSlice may name."""
import base64
import contextlib
import copy
import itertools
import json
import re
import urllib.error
import urllib.request

import pytest
from support import peers
from support.cluster import ApiServer, run
from support.conversion_webhook import ConversionWebhook
from support.conversion_webhook import GROUP as CONVERTED
from support.conversion_webhook import definition as converted_definition
from support.netns import own_network
from support.nodes import await_true
from support.webhook_server import WebhookServer, configuration, patch, webhook

HOOK_ADDRESS = '203.0.113.7'
SERVICE_NAMES = ('localhost', 'hooks.wire.svc')
VOLATILE = {'uid', 'creationTimestamp', 'resourceVersion', 'time', 'deletionTimestamp', 'lastTransitionTime', 'clusterIP', 'clusterIPs', 'authentication.kubernetes.io/credential-id'}
numbers = itertools.count()


class Api:
    """Requests to one server, as the administrator."""

    def __init__(self, server):
        self.server = server

    def ask(self, method, path, body=None, content_type='application/json', timeout_s=60):
        """(status, answer, warnings)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, data=data, method=method, headers={'Content-Type': content_type, 'User-Agent': 'wire'})
        try:
            with urllib.request.urlopen(request, context=self.server.context, timeout=timeout_s) as answer:
                return answer.status, json.loads(answer.read() or b'null'), answer.headers.get_all('Warning') or []
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read()), e.headers.get_all('Warning') or []

    def must(self, *args, **kw):
        status, answer, _ = self.ask(*args, **kw)
        assert status < 300, (args[:2], status, answer)
        return answer


@pytest.fixture(scope='module')
def network():
    with own_network():
        run('ip', 'addr', 'add', f'{HOOK_ADDRESS}/32', 'dev', 'lo')
        yield


@pytest.fixture(scope='module')
def hooks(network, tmp_path_factory):
    with WebhookServer(tmp_path_factory.mktemp('hooks'), SERVICE_NAMES, address='') as server:
        yield server


@pytest.fixture(scope='module')
def apis(network):
    """Ours, and upstream's where it is built."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(ApiServer())
        out = [Api(ours)]
        if not peers.lacking('kube-apiserver', 'etcd'):
            out.append(Api(stack.enter_context(ApiServer(upstream=peers.PEERS))))
        for api in out:
            api.must('POST', '/api/v1/namespaces', {'metadata': {'name': 'wire', 'labels': {'team': 'wire'}}})
            api.must('POST', '/api/v1/namespaces', {'metadata': {'name': 'other'}})
            for ns in ('wire', 'other'):
                api.must('POST', f'/api/v1/namespaces/{ns}/serviceaccounts', {'metadata': {'name': 'default'}})
        yield out
        ours.check_held()


@contextlib.contextmanager
def configured(api, *configurations):
    """The configurations are in force within, and gone after."""
    configurations, mark = copy.deepcopy(configurations), f'm{next(numbers)}'
    for hook in (hook for one in configurations for hook in one['webhooks'] if hook['name'] == MARKER['name']):
        hook['objectSelector']['matchLabels']['marker'] = mark

    def path(one):
        return '/apis/admissionregistration.k8s.io/v1/' + one['kind'].lower() + 's'
    try:
        for one in configurations:
            api.must('POST', path(one), one)
        probe(api, configurations, mark)
        yield
    finally:
        for one in configurations:
            api.ask('DELETE', f'{path(one)}/{one["metadata"]["name"]}')


def probe(api, configurations, mark):
    """Upstream takes a moment to heed a configuration: one that refuses a marked object tells when it does."""
    if not api.server.upstream:
        return
    if any(hook['name'] == MARKER['name'] for one in configurations for hook in one['webhooks']):
        marked = {'metadata': {'name': 'x', 'labels': {'marker': mark}}}
        await_true('the webhooks are heeded', lambda: api.ask('POST', '/api/v1/namespaces/wire/configmaps?dryRun=All', marked)[0] != 201)


# Asked about nothing but what is marked, and never there.
MARKER = webhook('zz-marker', {'url': 'https://127.0.0.1:1/'}, objectSelector={'matchLabels': {'marker': 'yes'}})


def with_marker(one):
    return {**one, 'webhooks': [*one['webhooks'], MARKER]}


def settled(value):
    """Without what differs between two runs, and who owns which field, which is not what is asked here."""
    if isinstance(value, dict):
        return {k: '<set>' if k in VOLATILE and v else settled(v) for k, v in value.items() if k != 'managedFields'}
    if isinstance(value, list):
        return [settled(v) for v in value]
    return re.sub(r'-[a-z0-9]{5}$', '-<drawn>', value) if isinstance(value, str) and value.startswith('drawn-') else value


def both(apis, hooks, scenario):
    """What the scenario tells of each server; ours must tell what upstream's does."""
    told = []
    for api in apis:
        hooks.answers.clear()
        hooks.raw.clear()
        hooks.taken()
        told.append(scenario(api))
    for theirs in told[1:]:
        for mine, other in zip(told[0], theirs):
            assert mine == other
        assert len(told[0]) == len(theirs)
    return told[0]


def asked(api, hooks, *request, **kw):
    """The status and the reviews of a request."""
    hooks.taken()
    status, answer, _ = api.ask(*request, **kw)
    told = []
    for path, query, review in hooks.taken():
        one = (path, query, settled(review))
        if not (request[0] == 'DELETE' and one in told):  # upstream asks again where its cache lags behind
            told.append(one)
    return [status, *sorted(told, key=lambda one: (one[0] != '/mutate', one[0])), *([answer] if status == 500 else [])]


CONFIGMAPS, PODS, JOBS = '/api/v1/namespaces/wire/configmaps', '/api/v1/namespaces/wire/pods', '/apis/batch/v1/namespaces/wire/jobs'
ANY = {'operations': 'CREATE UPDATE DELETE CONNECT'}


def test_reviews(apis, hooks):
    """What webhooks are told of every kind of request."""
    everything = 'configmaps namespaces pods pods/status pods/binding pods/eviction pods/exec pods/proxy serviceaccounts/token events'

    def scenario(api):
        out = []
        hook = webhook('all', hooks.client('/review'), everything, groups='* ', **ANY)
        with configured(api, with_marker(configuration('Validating', 'reviews', hook))):
            def tell(*request, **kw):
                out.append([request[:2], *asked(api, hooks, *request, **kw)])
            tell('POST', CONFIGMAPS, {'metadata': {'name': 'a', 'labels': {'x': 'y'}}, 'data': {'k': '<&>'}})
            tell('POST', CONFIGMAPS + '?fieldManager=me&fieldValidation=Strict', {'metadata': {'generateName': 'drawn-'}})
            tell('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'dry'}})
            tell('PUT', CONFIGMAPS + '/a', {'metadata': {'name': 'a'}, 'data': {'k': 'w'}})
            tell('PATCH', CONFIGMAPS + '/a?fieldManager=p', {'data': {'k': 'z'}}, content_type='application/merge-patch+json')
            tell('PATCH', CONFIGMAPS + '/applied?fieldManager=app&force=true', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'applied'}},
                 content_type='application/apply-patch+yaml')
            tell('PATCH', CONFIGMAPS + '/applied?fieldManager=app', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'applied'}, 'data': {'n': '1'}},
                 content_type='application/apply-patch+yaml')
            tell('DELETE', CONFIGMAPS + '/a')
            tell('DELETE', CONFIGMAPS + '/applied', {'kind': 'DeleteOptions', 'apiVersion': 'v1', 'gracePeriodSeconds': 0, 'propagationPolicy': 'Background'})
            tell('DELETE', CONFIGMAPS + '?labelSelector=none%3Done')
            api.must('POST', CONFIGMAPS, {'metadata': {'name': 'one', 'labels': {'all': 'y'}}})
            tell('DELETE', CONFIGMAPS + '?labelSelector=all%3Dy')
            pod = {'metadata': {'name': 'p'}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}], 'automountServiceAccountToken': False}}
            tell('POST', '/api/v1/namespaces/wire/pods', pod)
            tell('PATCH', '/api/v1/namespaces/wire/pods/p/status', {'status': {'reason': 'r'}}, content_type='application/merge-patch+json')
            tell('POST', '/api/v1/namespaces/wire/pods/p/binding', {'metadata': {'name': 'p'}, 'target': {'kind': 'Node', 'name': 'n'}})
            tell('POST', '/api/v1/namespaces/wire/pods/p/exec?command=ls&stdout=true&container=c')
            tell('GET', '/api/v1/namespaces/wire/pods/p/proxy/x?y=z')
            tell('POST', '/api/v1/namespaces/wire/pods/p/eviction', {'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': 'p'}})
            tell('POST', '/api/v1/namespaces/wire/serviceaccounts/default/token', {'spec': {'audiences': ['a']}})
            api.must('GET', '/api/v1/namespaces/wire/pods')  # upstream's cache has heard of the eviction
            tell('DELETE', '/api/v1/namespaces/wire/pods/p?gracePeriodSeconds=0')
            tell('POST', '/api/v1/namespaces', {'metadata': {'name': 'made'}})
            tell('PATCH', '/api/v1/namespaces/made', {'metadata': {'labels': {'a': 'b'}}}, content_type='application/merge-patch+json')
            tell('DELETE', '/api/v1/namespaces/made')
        return out

    told = both(apis, hooks, scenario)
    created = told[0]
    assert created[1] == 201 and len(created) == 3, created
    request = created[2][2]['request']
    assert request['operation'] == 'CREATE' and request['namespace'] == 'wire' and request['name'] == 'a' and request['userInfo']['username'] == 'admin'
    assert request['object']['data'] == {'k': '<&>'} and request['oldObject'] is None and request['options'] == {'kind': 'CreateOptions', 'apiVersion': 'meta.k8s.io/v1'}
    assert created[2][1] == 'timeout=5s'


def test_reviews_of_mutating_webhooks(apis, hooks):
    """They come before the server has filled in anything."""
    def scenario(api):
        out = []
        with configured(api, with_marker(configuration('Mutating', 'reviews', webhook('m', hooks.client('/m'), 'configmaps services', **ANY)))):
            for request in [('POST', CONFIGMAPS, {'metadata': {'generateName': 'drawn-', 'uid': 'u', 'labels': {'a': 'b'}}}),
                            ('POST', CONFIGMAPS, {'metadata': {'name': 'm'}}), ('PUT', CONFIGMAPS + '/m', {'metadata': {'name': 'm'}, 'data': {'x': 'y'}}),
                            ('POST', '/api/v1/namespaces/wire/services', {'metadata': {'name': 's'}, 'spec': {'ports': [{'port': 80}]}}),
                            ('DELETE', CONFIGMAPS + '/m'), ('DELETE', '/api/v1/namespaces/wire/services/s')]:
                out.append(asked(api, hooks, *request))
        return out
    told = both(apis, hooks, scenario)
    assert told[0][1][2]['request'].get('name', '') == '' and 'uid' not in told[0][1][2]['request']['object']['metadata']


def test_versions(apis, hooks):
    """A rule for one version sees requests in the others, converted; Exact does not. A scale is a scale, a resource of two groups is both."""
    hpa = {'apiVersion': 'autoscaling/v2', 'kind': 'HorizontalPodAutoscaler', 'metadata': {'name': 'h'}, 'spec': {
        'maxReplicas': 3, 'scaleTargetRef': {'kind': 'Deployment', 'name': 'd', 'apiVersion': 'apps/v1'},
        'metrics': [{'type': 'Resource', 'resource': {'name': 'cpu', 'target': {'type': 'Utilization', 'averageUtilization': 50}}}]}}
    labels = {'matchLabels': {'a': 'b'}, }
    deployment = {'metadata': {'name': 'd'}, 'spec': {'replicas': 0, 'selector': labels, 'template': {'metadata': {'labels': {'a': 'b'}}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}}}
    event = {'metadata': {'name': 'e.1'}, 'involvedObject': {'kind': 'Pod', 'namespace': 'wire', 'name': 'p'}, 'reason': 'R', 'message': 'm', 'type': 'Normal',
             'firstTimestamp': '2026-01-01T00:00:00Z', 'lastTimestamp': '2026-01-01T00:00:00Z', 'count': 1, 'source': {'component': 'c'}}

    def scenario(api):
        out = []
        hook = [webhook('equivalent', hooks.client('/equivalent'), 'horizontalpodautoscalers', groups='autoscaling', versions='v1', **ANY),
                webhook('exact', hooks.client('/exact'), 'horizontalpodautoscalers', groups='autoscaling', versions='v1', matchPolicy='Exact', **ANY),
                webhook('scale', hooks.client('/scale'), 'deployments/scale', groups='apps', **ANY),
                webhook('events', hooks.client('/events'), 'events', groups='events.k8s.io', **ANY)]
        hooks.answers['/mutate'] = lambda request: patch({'op': 'add', 'path': '/spec/minReplicas', 'value': 2})
        mutating = webhook('first', hooks.client('/mutate'), 'horizontalpodautoscalers', groups='autoscaling', versions='v1')
        with configured(api, with_marker(configuration('Validating', 'versions', *hook)), with_marker(configuration('Mutating', 'versions', mutating))):
            base = '/apis/autoscaling/v2/namespaces/wire/horizontalpodautoscalers'
            out.append(asked(api, hooks, 'POST', base, hpa))
            out.append(settled(api.must('GET', base + '/h')))
            out.append(asked(api, hooks, 'PATCH', base.replace('v2', 'v1') + '/h', {'spec': {'maxReplicas': 4}}, content_type='application/merge-patch+json'))
            api.must('POST', '/apis/apps/v1/namespaces/wire/deployments', deployment)
            out.append(asked(api, hooks, 'PUT', '/apis/apps/v1/namespaces/wire/deployments/d/scale', {'metadata': {'name': 'd', 'namespace': 'wire'}, 'spec': {'replicas': 1}}))
            out.append(asked(api, hooks, 'PATCH', '/apis/apps/v1/namespaces/wire/deployments/d/scale', {'spec': {'replicas': 2}}, content_type='application/merge-patch+json'))
            out.append(asked(api, hooks, 'POST', '/api/v1/namespaces/wire/events', event))
            for path in (base + '/h', '/apis/apps/v1/namespaces/wire/deployments/d', '/api/v1/namespaces/wire/events/e.1'):
                api.must('DELETE', path)
        return out

    told = both(apis, hooks, scenario)
    assert [path for path, *_ in told[0][1:]] == ['/mutate', '/equivalent'] and told[0][2][2]['request']['object']['apiVersion'] == 'autoscaling/v1'
    assert told[0][2][2]['request']['requestKind']['version'] == 'v2' and told[1]['spec']['minReplicas'] == 2
    assert [path for path, *_ in told[2][1:]] == ['/mutate', '/equivalent', '/exact'] or {path for path, *_ in told[2][1:]} == {'/mutate', '/equivalent', '/exact'}
    assert told[3][1][2]['request']['object']['kind'] == 'Scale'


def refusal(answer):
    """What a client sees of a refusal, without this test's ports."""
    status, body, warnings = answer
    text = json.dumps(settled(body), sort_keys=True)
    for pattern, instead in ((r'127\.0\.0\.1:\d+', 'HOST'), (r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'UID'), (r' \(possibly because of .*?\\"test-ca\\"\)', ''),
                             (r'(json parse error): .*?"}', r'\1"}'), (r'(json parse error): .*?", "metadata"', r'\1", "metadata"')):
        text = re.sub(pattern, instead, text)
    return [status, text, warnings]


DENIALS = [{}, {'status': {'message': 'no'}}, {'status': {'reason': 'Forbidden'}}, {'status': {'code': 403, 'reason': 'Forbidden', 'message': 'no'}},
           {'status': {'code': 200, 'message': 'odd'}}, {'status': {'code': 422, 'reason': 'Invalid', 'message': 'm', 'details': {
               'name': 'n', 'kind': 'K', 'causes': [{'reason': 'FieldValueInvalid', 'message': 'c', 'field': 'f'}]}}},
           {'status': {'code': 429, 'message': 'later', 'details': {'retryAfterSeconds': 3}}}, {'status': {'reason': 'My own reason'}},
           {'status': {'code': 418, 'reason': 'My own reason', 'message': 'm'}}, {'status': {'code': 418, 'reason': '<a>', 'details': {'kind': 'K'}}}, {'status': {'reason': 'Unknown'}},
           {'status': {'metadata': {'selfLink': 's', 'resourceVersion': '7', 'continue': 'c', 'remainingItemCount': 2}, 'message': 'm'}},
           {'status': {'kind': 'Other', 'apiVersion': 'v9', 'status': 'Undecided', 'message': 'm'}}, {'status': {'status': 'Success', 'code': 200}},
           {'status': {'message': 'm', 'details': {}}}, {'status': {'metadata': {}, 'reason': 'My own reason', 'details': {'uid': 'u', 'group': 'g'}}}]


def test_denials(apis, hooks):
    def scenario(api):
        out = []
        with configured(api, with_marker(configuration('Validating', 'denials', webhook('deny', hooks.client('/deny'))))):
            for denial in DENIALS:
                hooks.answers['/deny'] = lambda _, denial=denial: {'allowed': False, **copy.deepcopy(denial)}
                out.append(refusal(api.ask('POST', CONFIGMAPS, {'metadata': {'name': 'denied'}})))
            hooks.answers['/deny'] = lambda _: {'warnings': ['first', 'second', 'first', 'x' * 300, '']}
            out.append(refusal(api.ask('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'warned'}})))
            hooks.answers['/deny'] = lambda _: {'warnings': [f'{i:04}' + 'y' * 300 for i in range(40)]}
            out.append(refusal(api.ask('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'warned'}})))
        return out
    told = both(apis, hooks, scenario)
    assert 'admission webhook \\"deny.hooks.example.com\\" denied the request without explanation' in told[0][1] and told[0][0] == 400
    assert told[3][0] == 403 and 'denied the request: no' in told[3][1]
    assert told[8][0] == 418 and '"reason": "My own reason"' in told[8][1] and 'details' not in told[8][1]
    assert '"continue": "c"' in told[11][1] and '"remainingItemCount": 2' in told[11][1] and '"status": "Undecided"' in told[12][1]


def review_of(review, **members):
    return {'apiVersion': review['apiVersion'], 'kind': 'AdmissionReview', 'response': {'uid': review['request']['uid'], 'allowed': True, **members}}


def answers_that_fail():
    def text(make, **kw):
        return lambda review, handler: handler.answer(make(review), **kw)

    def review(**members):
        return text(lambda r: json.dumps(review_of(r, **members)))

    def drop(_, handler):
        handler.close_connection = True
    return {
        'error': text(lambda _: 'boom', status=500, content_type='text/plain'), 'not-found': text(lambda _: 'x', status=404, content_type='text/plain'),
        'no-json': text(lambda _: 'hello'), 'html': text(lambda _: '<p>', content_type='text/html'), 'empty': text(lambda _: ''),
        'wrong-uid': text(lambda r: json.dumps(review_of(r, uid='other'))), 'no-kind': text(lambda r: json.dumps({'response': review_of(r)['response']})),
        'no-response': text(lambda r: json.dumps({'apiVersion': 'admission.k8s.io/v1', 'kind': 'AdmissionReview'})),
        'patch-without-type': review(patch=base64.b64encode(b'[]').decode()), 'type-without-patch': review(patchType='JSONPatch'), 'drop': drop}


def test_failures(apis, hooks):
    """What cannot be asked, or answers badly, refuses the request or lets it pass, as its policy says; the reason is told in upstream's words."""
    hooks_that_fail = answers_that_fail()

    def scenario(api):
        out = []
        hooks.raw.update({f'/{name}': answer for name, answer in hooks_that_fail.items()})
        hooks.raw['/hang'] = lambda *_: hooks.ended.wait(3)
        clients = {name: hooks.client(f'/{name}') for name in hooks_that_fail}
        clients['refused'] = {'url': 'https://127.0.0.1:1/x', 'caBundle': hooks.ca_bundle}
        clients['hang'] = hooks.client('/hang')
        clients['no-service'] = {'service': {'namespace': 'wire', 'name': 'none', 'path': '/p'}, 'caBundle': hooks.ca_bundle}
        clients['untrusted'] = {**hooks.client('/x'), 'caBundle': base64.b64encode(open(api.server.pki.ca, 'rb').read()).decode()}
        for kind in ('Validating', 'Mutating'):
            for name, client in clients.items():
                told = [kind, name]
                for policy in ('Fail', 'Ignore'):
                    hook = webhook('f', client, failurePolicy=policy, timeoutSeconds=1)
                    with configured(api, with_marker(configuration(kind, 'failures', hook))):
                        told.append(refusal(api.ask('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'f'}})))
                out.append(told)
        return out
    told = {(kind, name): (fail, ignore) for kind, name, fail, ignore in both(apis, hooks, scenario)}
    for (kind, name), (fail, ignore) in told.items():
        judged = name in ('patch-without-type', 'type-without-patch') and kind == 'Validating'
        assert fail[0] == 500 and 'failed calling webhook \\"f.hooks.example.com\\": ' in fail[1], (kind, name, fail, judged)
        assert ignore[0] == 201, (kind, name, ignore)
    assert 'context deadline exceeded' in told['Validating', 'hang'][0][1] and 'connection refused' in told['Mutating', 'refused'][0][1]


PATCHES = {
    'label': [{'op': 'add', 'path': '/metadata/labels', 'value': {'l': 'v'}}], 'uid': [{'op': 'add', 'path': '/metadata/uid', 'value': 'u'}],
    'name': [{'op': 'replace', 'path': '/metadata/name', 'value': 'renamed'}], 'namespace': [{'op': 'replace', 'path': '/metadata/namespace', 'value': 'other'}],
    'kind': [{'op': 'replace', 'path': '/kind', 'value': 'Secret'}], 'unknown': [{'op': 'add', 'path': '/bogus', 'value': 1}], 'type': [{'op': 'add', 'path': '/data', 'value': 7}],
    'missing': [{'op': 'remove', 'path': '/data/none'}], 'test': [{'op': 'test', 'path': '/metadata/name', 'value': 'no'}], 'nothing': [],
    'invalid': [{'op': 'add', 'path': '/data', 'value': {'not a key!': 'x'}}], 'generation': [{'op': 'add', 'path': '/metadata/generation', 'value': 7}]}


def test_patches(apis, hooks):
    def scenario(api):
        out = []
        with configured(api, with_marker(configuration('Mutating', 'patches', webhook('p', hooks.client('/patch'), objectSelector={'matchLabels': {'patched': 'yes'}})))):
            for name, operations in PATCHES.items():
                hooks.answers['/patch'] = lambda _: {}
                api.ask('DELETE', CONFIGMAPS + '/patched')
                api.ask('DELETE', CONFIGMAPS + '/renamed')
                hooks.answers['/patch'] = lambda _, operations=operations: patch(*operations)
                for method, path in (('POST', CONFIGMAPS), ('PUT', CONFIGMAPS + '/patched')):
                    if method == 'PUT':
                        hooks.answers['/patch'] = lambda _: {}
                        api.ask('POST', CONFIGMAPS, {'metadata': {'name': 'patched', 'labels': {'patched': 'yes'}}})
                        hooks.answers['/patch'] = lambda _, operations=operations: patch(*operations)
                    status, answer, _ = api.ask(method, path, {'metadata': {'name': 'patched', 'labels': {'patched': 'yes'}}, 'data': {'k': 'v'}})
                    answer.pop('message', None)
                    for cause in answer.get('details', {}).get('causes', []):
                        cause.pop('message', None)
                    out.append([name, method, status, settled(answer)])
        hooks.answers.clear()
        return out
    told = {(name, method): (status, answer) for name, method, status, answer in both(apis, hooks, scenario)}
    assert told['label', 'POST'][1]['metadata']['labels'] == {'l': 'v'} and told['uid', 'POST'][0] == 201 and told['uid', 'PUT'][0] == 422
    assert told['kind', 'POST'][0] == 500 and told['unknown', 'POST'][0] == 201


def test_what_a_client_says_of_a_new_object(apis, hooks):
    """Its uid and times are not heeded, a resourceVersion is refused, a generation is kept by kinds that have none; a webhook sees what is left."""
    leases = '/apis/coordination.k8s.io/v1/namespaces/wire/leases'
    hpas = '/apis/autoscaling/v2/namespaces/wire/horizontalpodautoscalers'
    target = {'maxReplicas': 3, 'scaleTargetRef': {'kind': 'Deployment', 'name': 'd', 'apiVersion': 'apps/v1'}}
    said = {'generation': 7, 'deletionTimestamp': '2026-01-01T00:00:00Z', 'deletionGracePeriodSeconds': 3, 'creationTimestamp': '2026-01-01T00:00:00Z', 'selfLink': '/x'}
    requests = [('POST', f'{CONFIGMAPS}{query}', {'metadata': {'name': f'v{version}', 'resourceVersion': version}}) for version in ('1', '0', 'x') for query in ('?dryRun=All', '')]
    requests += [
        ('POST', CONFIGMAPS, {'metadata': {'name': 'vx', 'resourceVersion': '7'}}), ('POST', CONFIGMAPS, {'metadata': {'name': 'said', **said}}),
        ('PUT', CONFIGMAPS + '/said', {'metadata': {'name': 'said', 'generation': 9}}),
        ('PUT', leases + '/l', {'metadata': {'name': 'l', 'uid': 'u'}}), ('PUT', leases + '/l', {'metadata': {'name': 'l', 'resourceVersion': '7', 'generation': 3}}),
        ('POST', hpas, {'metadata': {'name': 'h', 'generation': 5}, 'spec': target}), ('PUT', hpas + '/h', {'metadata': {'name': 'h'}, 'spec': {**target, 'maxReplicas': 4}}),
        ('DELETE', hpas + '/h'), ('DELETE', leases + '/l'), *(('DELETE', f'{CONFIGMAPS}/{name}') for name in ('v0', 'vx', 'said'))]

    def scenario(api):
        out = []
        hook = webhook('m', hooks.client('/m'), 'configmaps leases horizontalpodautoscalers', groups='*', **ANY)
        with configured(api, with_marker(configuration('Mutating', 'new', hook))):
            for request in requests:
                hooks.taken()
                status, answer, _ = api.ask(*request)
                seen = [review['request']['object'] for _, _, review in hooks.taken()]
                out.append([*request[:2], status, settled(answer), settled(seen)])
        return out

    told = both(apis, hooks, scenario)
    assert told[1][2] == 500 and told[1][3]['message'] == 'resourceVersion should not be set on objects to be created'
    assert [one[3]['metadata']['generation'] for one in told[7:9]] == [7, 7] and told[7][4][0]['metadata'].keys() == {'name', 'namespace', 'generation'}


@pytest.mark.parametrize('phase', ['Pending', 'Running', 'Failed'])
def test_evicted_pods(apis, hooks, phase):
    """A pod says why it goes before it does, whatever it was doing; what was asked of it first is asked of the pod as it was."""
    pods = '/api/v1/namespaces/wire/pods'

    def scenario(api):
        out = []
        api.must('POST', pods, {'metadata': {'name': 'evicted'}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}], 'automountServiceAccountToken': False}})
        api.must('POST', pods + '/evicted/binding', {'metadata': {'name': 'evicted'}, 'target': {'kind': 'Node', 'name': 'n'}})
        pod = api.must('PATCH', pods + '/evicted/status', {'metadata': {'finalizers': ['wire.example.com/keep']}, 'status': {'phase': phase}},
                       content_type='application/strategic-merge-patch+json')
        with configured(api, with_marker(configuration('Validating', 'evicted', webhook('e', hooks.client('/e'), 'pods pods/eviction', **ANY)))):
            for query, wanted in [('?dryRun=All', {}), ('', {'uid': 'u'}), ('', {'resourceVersion': '1'}), ('', {'resourceVersion': pod['metadata']['resourceVersion']})]:
                eviction = {'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': 'evicted'}, 'deleteOptions': {'preconditions': wanted}}
                hooks.taken()
                status, answer, _ = api.ask('POST', pods + '/evicted/eviction' + query, eviction)
                out.append([status, re.sub(r' in record \(.*?\)', '', answer.get('message', ''))])
                out.append([(review['request']['operation'], review['request'].get('subResource')) for _, _, review in hooks.taken()])
                out.append(settled(api.must('GET', pods + '/evicted')))
        api.must('PATCH', pods + '/evicted', {'metadata': {'finalizers': None}}, content_type='application/merge-patch+json')
        api.ask('DELETE', pods + '/evicted?gracePeriodSeconds=0')
        return out

    told = both(apis, hooks, scenario)
    assert [one[0] for one in told[::3]] == [201, 409, 409, 201], told[::3]
    assert [{one['type'] for one in pod['status']['conditions']} for pod in told[2::3]] == [{'PodScheduled'}] * 3 + [{'PodScheduled', 'DisruptionTarget'}]


def test_order_and_reinvocation(apis, hooks):
    """In the order of names; who asks for it is called again when somebody has changed the object after it, once."""
    def adds(key):
        def answer(request):
            seen = request['object'].get('data') or {}
            if key in seen:
                return {}
            return patch({'op': 'add', 'path': '/data', 'value': {**seen, key: str(len(seen))}})
        return answer

    def scenario(api):
        out = []
        hooks.answers.update({f'/{key}': adds(key) for key in 'abc'})
        first = configuration('Mutating', 'aa', webhook('a', hooks.client('/a'), reinvocationPolicy='IfNeeded'), webhook('b', hooks.client('/b')))
        second = configuration('Mutating', 'bb', webhook('c', hooks.client('/c'), reinvocationPolicy='IfNeeded'))
        with configured(api, second, with_marker(first)):
            hooks.taken()
            out.append(settled(api.must('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'r'}})))
            out.append([path for path, *_ in hooks.taken()])
        with configured(api, with_marker(configuration('Mutating', 'one', webhook('n', hooks.client('/none'), reinvocationPolicy='IfNeeded')))):
            hooks.taken()
            api.must('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'r'}})
            out.append([path for path, *_ in hooks.taken()])
        return out
    told = both(apis, hooks, scenario)
    assert told[0]['data'] == {'a': '0', 'b': '1', 'c': '2'} and told[1] == ['/a', '/b', '/c', '/a'] and told[2] == ['/none']


def test_selectors_conditions_and_dry_run(apis, hooks):
    def scenario(api):
        out = []
        cases = {
            'namespace': {'namespaceSelector': {'matchLabels': {'team': 'wire'}}}, 'object': {'objectSelector': {'matchLabels': {'pick': 'me'}}},
            'condition': {'matchConditions': [{'name': 'picked', 'expression': 'object.metadata.name.startsWith("c")'}]},
            'broken-condition': {'matchConditions': [{'name': 'broken', 'expression': 'object.data.none == "x"'}]},
            'broken-ignored': {'matchConditions': [{'name': 'broken', 'expression': 'object.data.none == "x"'}], 'failurePolicy': 'Ignore'},
            'side-effects': {'sideEffects': 'NoneOnDryRun'}}
        for name, more in cases.items():
            with configured(api, with_marker(configuration('Validating', 'selected', webhook('s', hooks.client('/s'), **more)))):
                for ns in ('wire', 'other'):
                    for obj in ({'name': 'c1'}, {'name': 'd1', 'labels': {'pick': 'me'}}):
                        hooks.taken()
                        answer = api.ask('POST', f'/api/v1/namespaces/{ns}/configmaps?dryRun=All', {'metadata': obj})
                        out.append([name, ns, obj['name'], refusal(answer) if answer[0] != 201 else 201, len(hooks.taken())])
        with configured(api, with_marker(configuration('Validating', 'scoped', webhook('c', hooks.client('/c'), 'namespaces configmaps')))):
            out.append(asked(api, hooks, 'POST', '/api/v1/namespaces?dryRun=All', {'metadata': {'name': 'scoped'}}))
        hook = webhook('x', hooks.client('/x'), 'validatingwebhookconfigurations mutatingwebhookconfigurations', groups='*', **ANY)
        hooks.answers['/x'] = lambda _: {'allowed': False}
        with configured(api, with_marker(configuration('Validating', 'self', hook))):
            out.append(asked(api, hooks, 'POST', '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?dryRun=All', configuration('Mutating', 'free')))
        return out
    told = both(apis, hooks, scenario)
    counts = {(case[0], case[1], case[2]): case[4] for case in told if len(case) == 5 and isinstance(case[4], int)}
    assert counts['namespace', 'wire', 'c1'] == 1 and counts['namespace', 'other', 'c1'] == 0
    assert counts['object', 'wire', 'd1'] == 1 and counts['object', 'wire', 'c1'] == 0 and counts['condition', 'wire', 'd1'] == 0 and counts['condition', 'wire', 'c1'] == 1
    assert told[-1] == [201], 'configurations themselves are never selected'


def test_by_services(apis, hooks):
    """A Service without selectors by its EndpointSlice, with --enable-aggregator-routing; one with an external name without."""
    service = {'metadata': {'name': 'hooks'}, 'spec': {'ports': [{'name': 'https', 'port': 8443}]}}
    slices = {'metadata': {'name': 'hooks-1', 'labels': {'kubernetes.io/service-name': 'hooks'}}, 'addressType': 'IPv4', 'endpoints': [{'addresses': [HOOK_ADDRESS]}],
              'ports': [{'name': 'https', 'port': hooks.port}]}
    client = {'service': {'namespace': 'wire', 'name': 'hooks', 'port': 8443, 'path': '/by-service'}, 'caBundle': hooks.ca_bundle}
    with ApiServer(flags=['--enable-aggregator-routing=true']) as server:
        api = Api(server)
        api.must('POST', '/api/v1/namespaces', {'metadata': {'name': 'wire'}})
        api.must('POST', '/api/v1/namespaces/wire/services', service)
        with configured(api, configuration('Validating', 'by-service', webhook('s', client))):
            refused = api.ask('POST', CONFIGMAPS, {'metadata': {'name': 's'}})
            assert refused[0] == 500 and 'no endpoints available for service \\"hooks\\"' in json.dumps(refused[1]), refused
            api.must('POST', '/apis/discovery.k8s.io/v1/namespaces/wire/endpointslices', slices)
            hooks.taken()
            for i in range(5):
                api.must('POST', CONFIGMAPS, {'metadata': {'name': f's{i}'}})
            assert [path for path, *_ in hooks.taken()] == ['/by-service'] * 5
        server.check_held()

    def scenario(one):
        one.must('POST', '/api/v1/namespaces/wire/services', {'metadata': {'name': 'hooks'}, 'spec': {'type': 'ExternalName', 'externalName': 'localhost'}})
        by_name = {**client, 'service': {**client['service'], 'port': hooks.port}}
        with configured(one, with_marker(configuration('Validating', 'by-name', webhook('s', by_name)))):
            hooks.taken()  # without the marker's probe
            status = one.ask('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 's'}})[0]
        one.must('DELETE', '/api/v1/namespaces/wire/services/hooks')
        return [status, [path for path, *_ in hooks.taken()]]
    assert both(apis, hooks, scenario) == [201, ['/by-service']]


def test_credentials_of_webhooks(hooks, tmp_path):
    """What kubeConfigFile of the plugins says is shown to webhooks by the names of their hosts; nothing of it is logged."""
    hooks.pki.issue('caller', '/CN=the-caller')
    users = {f'localhost:{hooks.port}': {'token': 'of-localhost'}, f'127.0.0.1:{hooks.port}': {'username': 'u', 'password': 'secret-word'},
             f'*.wire.svc:{hooks.port}': {'client-certificate': hooks.pki.path('caller.crt'), 'client-key': hooks.pki.path('caller.key')}}
    (tmp_path / 'users.yaml').write_text(json.dumps({'apiVersion': 'v1', 'kind': 'Config', 'users': [{'name': name, 'user': user} for name, user in users.items()]}))
    settings = {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'AdmissionConfiguration', 'plugins': [
        {'name': 'ValidatingAdmissionWebhook', 'configuration': {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'WebhookAdmissionConfiguration',
                                                                 'kubeConfigFile': str(tmp_path / 'users.yaml')}}]}
    (tmp_path / 'admission.yaml').write_text(json.dumps(settings))
    client = {'caBundle': hooks.ca_bundle}
    validating = [webhook('url', {**client, 'url': f'https://localhost:{hooks.port}/url'}), webhook('basic', {**client, 'url': f'https://127.0.0.1:{hooks.port}/basic'})]
    mutating = webhook('none', {**client, 'url': f'https://localhost:{hooks.port}/none'})
    told = []
    for upstream in [None] + [peers.PEERS] * (not peers.lacking('kube-apiserver', 'etcd')):
        with ApiServer(flags=[f'--admission-control-config-file={tmp_path / "admission.yaml"}'], upstream=upstream) as server:
            api = Api(server)
            api.must('POST', '/api/v1/namespaces', {'metadata': {'name': 'wire'}})
            api.must('POST', '/api/v1/namespaces/wire/services', {'metadata': {'name': 'hooks'}, 'spec': {'type': 'ExternalName', 'externalName': 'localhost'}})
            by_service = webhook('service', {**client, 'service': {'namespace': 'wire', 'name': 'hooks', 'port': hooks.port, 'path': '/service'}})
            with configured(api, with_marker(configuration('Validating', 'shown', *validating, by_service)), with_marker(configuration('Mutating', 'shown', mutating))):
                hooks.shown.clear()
                api.must('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 's'}})
                told.append(sorted(set(hooks.shown), key=str))
            log = server.server.log.read_text(errors='replace')
            assert upstream or ('of-localhost' not in log and 'secret-word' not in log)
    assert told[0] == sorted([('/url', 'Bearer of-localhost', None), ('/basic', 'Basic ' + base64.b64encode(b'u:secret-word').decode(), None), ('/none', None, None),
                              ('/service', None, 'the-caller')], key=str)
    assert all(one == told[0] for one in told[1:])


def test_credentials_in_files_are_read_again(hooks, tmp_path):
    """A minute after they were read, as client-go does; a file of a token counts before the one that is given."""
    users = {f'localhost:{hooks.port}': {'tokenFile': str(tmp_path / 'a')}, f'127.0.0.1:{hooks.port}': {'token': 'given', 'tokenFile': str(tmp_path / 'b')}}
    (tmp_path / 'users.yaml').write_text(json.dumps({'apiVersion': 'v1', 'kind': 'Config', 'users': [{'name': name, 'user': user} for name, user in users.items()]}))
    settings = {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'AdmissionConfiguration', 'plugins': [
        {'name': 'ValidatingAdmissionWebhook', 'configuration': {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'WebhookAdmissionConfiguration',
                                                                 'kubeConfigFile': str(tmp_path / 'users.yaml')}}]}
    (tmp_path / 'admission.yaml').write_text(json.dumps(settings))
    validating = [webhook(host[0], {'caBundle': hooks.ca_bundle, 'url': f'https://{host}:{hooks.port}/{host[0]}'}) for host in ('localhost', '127.0.0.1')]

    def write(which):
        (tmp_path / 'a').write_text(f'{which}-a\n')
        (tmp_path / 'b').write_text(f'{which}-b\n')

    def shown(api):
        hooks.shown.clear()
        api.must('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 's'}})
        return sorted(token for _, token, _ in hooks.shown)
    write('first')
    with contextlib.ExitStack() as stack:
        apis = []
        for upstream in [None] + [peers.PEERS] * (not peers.lacking('kube-apiserver', 'etcd')):
            api = Api(stack.enter_context(ApiServer(flags=[f'--admission-control-config-file={tmp_path / "admission.yaml"}'], upstream=upstream)))
            api.must('POST', '/api/v1/namespaces', {'metadata': {'name': 'wire'}})
            stack.enter_context(configured(api, with_marker(configuration('Validating', 'shown', *validating))))
            assert shown(api) == ['Bearer first-a', 'Bearer first-b']
            apis.append(api)
        write('second')
        assert [shown(api) for api in apis] == [['Bearer first-a', 'Bearer first-b']] * len(apis)
        for api in apis:
            await_true('the new tokens', lambda: shown(api) == ['Bearer second-a', 'Bearer second-b'], timeout_s=90)


def test_metrics(apis, hooks):
    api = apis[0]
    with configured(api, configuration('Validating', 'counted', webhook('counted', hooks.client('/counted')))):
        api.must('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'm'}})
        hooks.answers['/counted'] = lambda _: {'allowed': False, 'status': {'code': 999}}
        api.ask('POST', CONFIGMAPS + '?dryRun=All', {'metadata': {'name': 'm'}})
    page = api.server.get('/metrics').decode()
    assert 'apiserver_admission_webhook_request_total{name="counted.hooks.example.com",type="validating",operation="CREATE",code="200",rejected="false"} 1' in page
    assert 'apiserver_admission_webhook_rejection_count{name="counted.hooks.example.com",type="validating",operation="CREATE",error_type="no_error",rejection_code="600"} 1' in page
    assert 'apiserver_admission_webhook_admission_duration_seconds_count{name="counted.hooks.example.com",type="validating",operation="CREATE",rejected="true"} 1' in page


def test_requests_of_custom_resources(apis, hooks):
    """A custom object is shown, changed, pruned and defaulted by its schema."""
    schema = {'type': 'object', 'properties': {'spec': {'type': 'object', 'properties': {'size': {'type': 'integer'}, 'mode': {'type': 'string', 'default': 'a'}}}}}
    crd = {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'things.wire.example.com'}, 'spec': {
        'group': 'wire.example.com', 'scope': 'Namespaced', 'names': {'plural': 'things', 'singular': 'thing', 'kind': 'Thing', 'listKind': 'ThingList'},
        'versions': [{'name': 'v1', 'served': True, 'storage': True, 'subresources': {'status': {}}, 'schema': {'openAPIV3Schema': schema}}]}}
    things = '/apis/wire.example.com/v1/namespaces/wire/things'

    def scenario(api):
        api.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd)
        await_true('the definition is served', lambda: api.ask('GET', things)[0] == 200)
        hooks.answers['/m'] = lambda request: {} if request['operation'] == 'DELETE' else patch(
            {'op': 'add', 'path': '/spec/size', 'value': 5}, {'op': 'add', 'path': '/spec/bogus', 'value': 1}, {'op': 'remove', 'path': '/spec/mode'})
        mutating = with_marker(configuration('Mutating', 'things', webhook('m', hooks.client('/m'), 'things', groups='wire.example.com', **ANY)))
        validating = with_marker(configuration('Validating', 'things', webhook('v', hooks.client('/v'), 'things', groups='wire.example.com', **ANY)))
        with configured(api, mutating, validating):
            out = [asked(api, hooks, 'POST', things, {'apiVersion': 'wire.example.com/v1', 'kind': 'Thing', 'metadata': {'name': 't'}, 'spec': {'extra': 1}})]
            out.append(settled(api.must('GET', things + '/t')))
            out.append(asked(api, hooks, 'PATCH', things + '/t', {'spec': {'size': 1}}, content_type='application/merge-patch+json'))
            out.append(asked(api, hooks, 'DELETE', things + '/t'))
        api.must('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.wire.example.com')
        return out
    told = both(apis, hooks, scenario)
    assert told[1]['spec'] == {'size': 5, 'mode': 'a'}


def test_requests_of_converted_resources(apis, hooks):
    """A rule for another version of a definition sees its objects converted by the definition's own webhook, there and back; Exact sees its own alone."""
    hosts = f'/apis/{CONVERTED}/v2/namespaces/wire/hosts'

    def scenario(api):
        out = []
        hooks.answers['/m'] = lambda request: {} if request['operation'] == 'DELETE' else patch({'op': 'replace', 'path': '/spec/hostPort', 'value': 'patched:1'})
        converting = ConversionWebhook(api.server.pki)
        try:
            api.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', converted_definition(converting.client_config()))
            await_true('both versions are served', lambda: all(api.ask('GET', hosts.replace('/v2/', f'/{version}/'))[0] == 200 for version in ('v1', 'v2', 'v3')))
            rule = {'groups': CONVERTED, **ANY}
            mutating = webhook('m', hooks.client('/m'), 'hosts', versions='v1', **rule)
            validating = [webhook('equivalent', hooks.client('/equivalent'), 'hosts', versions='v3', **rule),
                          webhook('exact', hooks.client('/exact'), 'hosts', versions='v1', matchPolicy='Exact', **rule),
                          webhook('own', hooks.client('/own'), 'hosts', versions='v2', matchPolicy='Exact', **rule)]
            with configured(api, with_marker(configuration('Mutating', 'converted', mutating)), with_marker(configuration('Validating', 'converted', *validating))):
                made = {'apiVersion': f'{CONVERTED}/v2', 'kind': 'Host', 'metadata': {'name': 'h'}, 'spec': {'host': 'h', 'port': '80'}}
                out.append(asked(api, hooks, 'POST', hosts, made))
                out.append(settled(api.must('GET', hosts + '/h')))
                out.append(asked(api, hooks, 'PATCH', hosts + '/h', {'spec': {'port': '81'}}, content_type='application/merge-patch+json'))
                out.append(asked(api, hooks, 'DELETE', hosts + '/h'))
            converting.behave = lambda review: converting.answer(review, [])
            with configured(api, with_marker(configuration('Validating', 'converted', validating[0]))):
                status, answer, _ = api.ask('POST', hosts, made)
                out.append([status, answer['message']])
        finally:
            api.ask('DELETE', f'/apis/apiextensions.k8s.io/v1/customresourcedefinitions/hosts.{CONVERTED}')
            converting.stop()
        return out

    told = both(apis, hooks, scenario)
    seen = {path: review['request'] for path, _, review in told[0][1:]}
    assert seen.keys() == {'/m', '/equivalent', '/own'} and {request['requestKind']['version'] for request in seen.values()} == {'v2'}
    assert seen['/m']['object']['spec'] == {'hostPort': 'h:80'} and seen['/m']['kind']['version'] == 'v1'
    assert seen['/equivalent']['object']['spec'] == seen['/own']['object']['spec'] == {'host': 'patched', 'port': '1'} == told[1]['spec']
    assert (seen['/equivalent']['object']['apiVersion'], seen['/own']['object']['apiVersion']) == (f'{CONVERTED}/v3', f'{CONVERTED}/v2')


def test_who_is_asked_about_what_goes_already(apis, hooks):
    """Once for a DELETE, twice where what goes is marked before it is removed; nobody where nothing changes."""
    def scenario(api):
        out = []
        everything = 'pods configmaps namespaces'
        with configured(api, with_marker(configuration('Validating', 'goes', webhook('v', hooks.client('/v'), everything, **ANY))),
                        with_marker(configuration('Mutating', 'goes', webhook('m', hooks.client('/mutate'), everything, **ANY)))):
            def tell(what, path, **options):
                api.must('GET', path.split('?')[0])
                body = {'kind': 'DeleteOptions', 'apiVersion': 'v1', **options}
                before, *reviews = asked(api, hooks, 'DELETE', path, body)
                out.append([what, before, [(path, review['request'].get('options'), (review['request']['oldObject'] or {}).get('metadata')) for path, _, review in reviews]])

            def pod(name, node='n', **metadata):
                spec = {'containers': [{'name': 'c', 'image': 'i'}], 'automountServiceAccountToken': False, **({'nodeName': node} if node else {})}
                api.must('POST', PODS, {'metadata': {'name': name, **metadata}, 'spec': spec})
                return f'{PODS}/{name}'
            for name, graces in (('same', (None, None, 40, 30)), ('shorter', (30, 10, 0)), ('at-once', (0,))):
                path = pod(name)
                for grace in graces:
                    tell(f'{name} {grace}', path, **({} if grace is None else {'gracePeriodSeconds': grace}))
            tell('nobody runs it', pod('unbound', node=None), gracePeriodSeconds=20)
            tell('dry', pod('dry'), gracePeriodSeconds=0, dryRun=['All'])
            path = pod('held', node=None, finalizers=['example.com/f'])
            tell('held', path)
            tell('held again', path)
            for policy in ('Foreground', 'Background'):
                api.must('POST', CONFIGMAPS, {'metadata': {'name': policy.lower()}})
                tell(policy, f'{CONFIGMAPS}/{policy.lower()}', propagationPolicy=policy)
            tell('without its finalizers', f'{CONFIGMAPS}/foreground', propagationPolicy='Background')
            api.must('POST', '/api/v1/namespaces', {'metadata': {'name': 'goes'}})
            for what in ('namespace', 'namespace again'):
                tell(what, '/api/v1/namespaces/goes')
        return out
    told = {what: [path for path, *_ in reviews] for what, _, reviews in both(apis, hooks, scenario)}
    once, twice = ['/mutate', '/v'], ['/mutate', '/mutate', '/v', '/v']
    assert told['same None'] == [] and told['shorter 10'] == once and told['shorter 0'] == told['at-once 0'] == told['nobody runs it'] == twice
    assert told['without its finalizers'] == told['dry'] == told['held'] == once and told['namespace again'] == []


def test_labels_of_jobs(apis, hooks):
    """A Job without labels has its template's, and those that the server adds; one that states them keeps them."""
    def scenario(api):
        out = []

        def tell(what, labels, path=JOBS, method='POST', **metadata):
            meta = {**({'labels': labels} if labels is not None else {}), **(metadata or {'name': what})}
            job = {'apiVersion': 'batch/v1', 'kind': 'Job', 'metadata': meta, 'spec': {'suspend': True, 'template': {
                'metadata': {'labels': {'a': 'b'}}, 'spec': {'restartPolicy': 'Never', 'containers': [{'name': 'c', 'image': 'i'}]}}}}
            answer = api.must(method, path, job, content_type='application/json' if method == 'POST' else 'application/apply-patch+yaml')
            out.append([what, sorted(answer['metadata']['labels'])])
        for what, labels in (('none', None), ('empty', {}), ('equal', {'a': 'b'}), ('other', {'c': 'd'})):
            tell(what, labels)
            tell(f'applied-{what}', labels, f'{JOBS}/applied-{what}?fieldManager=wire', 'PATCH')
        tell('drawn', None, generateName='drawn-')
        changes = {'annotated': {'op': 'add', 'path': '/metadata/annotations', 'value': {'x': 'y'}}, 'unlabelled': {'op': 'remove', 'path': '/metadata/labels'}}
        for change, operation in changes.items():
            hooks.answers['/mutate'] = lambda request, operation=operation: patch(operation) if request['kind']['kind'] == 'Job' else {}
            with configured(api, with_marker(configuration('Mutating', 'jobs', webhook('m', hooks.client('/mutate'), 'jobs', groups='batch')))):
                for what, labels in (('none', None), ('equal', {'a': 'b'})):
                    tell(f'{change}-{what}', labels)
        return out
    told = dict(both(apis, hooks, scenario))
    assert told['equal'] == told['drawn'] == told['annotated-none'] == ['a'] and told['none'] == told['applied-none'] == told['unlabelled-equal'] and len(told['none']) == 5
