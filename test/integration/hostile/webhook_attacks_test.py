"""Webhooks that mean harm: they hang, answer garbage or without end, lead elsewhere, patch what they must not, warn without measure. The request that
asks them is refused or passes, as their failure policy says; everybody else goes on."""
import contextlib
import json
import threading
import time

import pytest
from support.hostile import rule
from support.webhook_server import WebhookServer, configuration, patch, webhook

BASE = '/apis/admissionregistration.k8s.io/v1/'
ENDLESS_MAX_S = 4


@pytest.fixture(scope='module')
def hooks(tmp_path_factory):
    with WebhookServer(tmp_path_factory.mktemp('hooks')) as server:
        yield server


@pytest.fixture
def tenant(bounded_server):
    ns = bounded_server.namespace()
    user = bounded_server.user(rule('configmaps', 'get create update patch delete'), namespace=ns)
    user.path = f'/api/v1/namespaces/{ns}/configmaps'
    user.ns = ns
    return user


@contextlib.contextmanager
def configured(server, user, kind, *webhooks, name='hostile'):
    """In force for the tenant's namespace."""
    for hook in webhooks:
        hook['namespaceSelector'] = {'matchLabels': {'kubernetes.io/metadata.name': user.ns}}
    server.make(BASE + f'{kind.lower()}webhookconfigurations', configuration(kind, name, *webhooks))
    try:
        yield
    finally:
        server.ask(server.admin, 'DELETE', BASE + f'{kind.lower()}webhookconfigurations/{name}')


def create(server, user, name='c', timeout_s=60, query='?dryRun=All'):
    return server.ask(user, 'POST', user.path + query, {'metadata': {'name': name}, 'data': {'k': 'v'}}, timeout_s=timeout_s)


def test_one_that_hangs(bounded_server, tenant, hooks):
    hooks.raw['/hang'] = lambda *_: hooks.ended.wait(20)
    with configured(bounded_server, tenant, 'Validating', *(webhook(f'h{i}', hooks.client('/hang'), timeoutSeconds=2) for i in range(20))):
        with bounded_server.attack(limit_s=15):
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(create(bounded_server, tenant))) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert [a.status for a in answers] == [500] * 16 and all(b'context deadline exceeded' in a.body and a.seconds < 8 for a in answers), answers
    with configured(bounded_server, tenant, 'Mutating', *(webhook(f'h{i}', hooks.client('/hang'), timeoutSeconds=30, failurePolicy='Ignore') for i in range(20))):
        answer = create(bounded_server, tenant, query='?dryRun=All&timeout=2s')
    assert answer.status == 504 and answer.seconds < 6, f"the request's own time ends the row of them: {answer}"


GARBAGE = [b'', b'{', b'[' * 100000, b'[]', b'null', b'7', b'"x"', b'{"response":7}', b'{"response":{"uid":[]}}', b'\xff\xfe' * 1000, json.dumps({'response': {'allowed': 'yes'}}).encode(),
           b'{"response":' * 5000, b'{"a":' + b'[{},' * 200000 + b'{}' + b']' * 200000 + b'}', b'{"response":{"warnings":[' + b'"",' * 900000 + b'""]}}']


def test_garbage(bounded_server, tenant, hooks):
    for i, garbage in enumerate(GARBAGE):
        hooks.raw[f'/garbage-{i}'] = lambda _, handler, garbage=garbage: handler.answer(garbage)
    with bounded_server.attack(limit_s=30):
        for kind in ('Validating', 'Mutating'):
            for i in range(len(GARBAGE)):
                with configured(bounded_server, tenant, kind, webhook('g', hooks.client(f'/garbage-{i}'))):
                    answer = create(bounded_server, tenant)
                assert answer.status == 500 and len(answer.body) < 20000, (kind, GARBAGE[i][:40], answer)


def test_an_answer_without_end(bounded_server, tenant, hooks):
    sent = {}

    def endless(review, handler, path='/endless'):
        handler.send_response(200)
        handler.send_header('Content-Type', 'application/json')
        handler.send_header('Transfer-Encoding', 'chunked')
        handler.end_headers()
        piece, began, n = b'10000\r\n' + b' ' * 65536 + b'\r\n', time.monotonic(), 0
        with contextlib.suppress(OSError):
            while time.monotonic() - began < ENDLESS_MAX_S:
                handler.wfile.write(piece)
                n += 65536
        sent[path] = n
        handler.close_connection = True

    def slow(_, handler):
        handler.send_response(200)
        handler.send_header('Content-Type', 'application/json')
        handler.send_header('Content-Length', '1000000')
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not hooks.ended.wait(0.2):
                handler.wfile.write(b' ')
        handler.close_connection = True

    def heads(_, handler):
        with contextlib.suppress(OSError):
            handler.wfile.write(b'HTTP/1.1 200 OK\r\n')
            for i in range(100000):
                handler.wfile.write(b'X-%d: %s\r\n' % (i, b'x' * 1000))
        handler.close_connection = True
    hooks.raw.update({'/endless': endless, '/slow': slow, '/heads': heads})
    with bounded_server.attack(limit_s=20):
        for path in ('/endless', '/slow', '/heads'):
            with configured(bounded_server, tenant, 'Mutating', webhook('e', hooks.client(path), timeoutSeconds=3)):
                answer = create(bounded_server, tenant)
            assert answer.status == 500 and answer.seconds < 5, (path, answer)
    assert sent['/endless'] < 64 << 20, 'what is past the bound is not read'


def test_one_that_leads_elsewhere(bounded_server, tenant, hooks):
    """No redirect is followed: a webhook must not make this server ask others."""
    hooks.taken()
    for status in (301, 302, 303, 307, 308):
        hooks.raw['/lead'] = lambda _, handler, status=status: handler.answer('', status=status, Location=f'https://127.0.0.1:{hooks.port}/led')
        with configured(bounded_server, tenant, 'Validating', webhook('r', hooks.client('/lead'))):
            answer = create(bounded_server, tenant)
        assert answer.status == 500 and f'the server responded with the status code {status}'.encode() in answer.body, answer
    assert {path for path, *_ in hooks.taken()} == {'/lead'}


def test_patches_that_must_not_be(bounded_server, tenant, hooks):
    """Nothing that a client could not write gets in by a webhook, and a patch is bounded as a client's is."""
    big = 'x' * (1 << 20)
    doubling = [{'op': 'add', 'path': '/data', 'value': {'a': 'x' * 100000}}, *({'op': 'copy', 'from': '/data', 'path': f'/metadata/labels/l{i}'} for i in range(5000))]
    attacks = {
        'kind': ([{'op': 'replace', 'path': '/kind', 'value': 'Secret'}], 500), 'version': ([{'op': 'replace', 'path': '/apiVersion', 'value': 'v2'}], 500),
        'whole': ([{'op': 'replace', 'path': '', 'value': []}], 500), 'gone': ([{'op': 'remove', 'path': ''}], 500), 'namespace': ([{'op': 'replace', 'path': '/metadata/namespace', 'value': 'kube-system'}], 400),
        'many': ([{'op': 'add', 'path': '/data/k', 'value': 'v'}] * 60000, 500), 'doubling': (doubling, 500), 'big': ([{'op': 'add', 'path': f'/data/{i}', 'value': big} for i in range(4)], 422),
        'deep': ([{'op': 'add', 'path': '/data', 'value': json.loads('[' * 200 + ']' * 200)}], 500), 'name': ([{'op': 'replace', 'path': '/metadata/name', 'value': '../x'}], 422)}
    with bounded_server.attack(limit_s=30):
        for name, (operations, status) in attacks.items():
            hooks.answers['/patch'] = lambda _, operations=operations: patch(*operations)
            with configured(bounded_server, tenant, 'Mutating', webhook('p', hooks.client('/patch'))):
                answer = create(bounded_server, tenant)
            assert answer.status == status and len(answer.body) < 3 << 20, (name, answer)
    created = bounded_server.ask(tenant, 'POST', tenant.path, {'metadata': {'name': 'kept'}}).json()
    for name, operations, status in (('uid', [{'op': 'replace', 'path': '/metadata/uid', 'value': 'mine'}], 422), ('version', [{'op': 'replace', 'path': '/metadata/resourceVersion', 'value': '1'}], 409),
                                     ('name', [{'op': 'replace', 'path': '/metadata/name', 'value': 'other'}], 422)):
        hooks.answers['/patch'] = lambda _, operations=operations: patch(*operations)
        with configured(bounded_server, tenant, 'Mutating', webhook('p', hooks.client('/patch'))):
            answer = bounded_server.ask(tenant, 'PUT', tenant.path + '/kept', {'metadata': {'name': 'kept'}, 'data': {'new': name}})
        assert answer.status == status, (name, answer)
    assert bounded_server.ask(tenant, 'GET', tenant.path + '/kept').json()['metadata'] == created['metadata']


def test_warnings_and_annotations_without_measure(bounded_server, tenant, hooks):
    hooks.answers['/warn'] = lambda _: {'warnings': [f'{i} \r\nX-Injected: yes\x00\x7f "\\' + 'w' * 400 for i in range(10000)], 'auditAnnotations': {f'k{i}': 'v' * 200 for i in range(10000)}}
    with bounded_server.attack(limit_s=15):
        for kind in ('Validating', 'Mutating'):
            with configured(bounded_server, tenant, kind, webhook('w', hooks.client('/warn'))):
                answer = create(bounded_server, tenant)
            assert answer.status == 201 and 'X-Injected' not in answer.headers, answer
            assert sum(len(v) for k, v in answer.headers.items() if k.lower() == 'warning') < 8192


def test_wrong_uids_and_answers_of_others(bounded_server, tenant, hooks):
    """An answer counts for the review that it names."""
    kept = []

    def replay(review, handler):
        kept.append(review['request']['uid'])
        handler.answer(json.dumps({'apiVersion': 'admission.k8s.io/v1', 'kind': 'AdmissionReview', 'response': {'uid': kept[0], 'allowed': True}}))
    hooks.raw['/replay'] = replay
    with configured(bounded_server, tenant, 'Validating', webhook('u', hooks.client('/replay'))):
        assert [create(bounded_server, tenant).status for _ in range(3)] == [201, 500, 500]
    assert len(set(kept)) == 3


def test_many_configurations(bounded_server, tenant, hooks):
    """Requests that nothing selects pass beside thousands of webhooks as if there were none."""
    elsewhere = [webhook(f'n{i}', hooks.client('/never'), resources='secrets') for i in range(100)]
    names = [f'many-{i}' for i in range(30)]
    before = min(create(bounded_server, tenant).seconds for _ in range(20))
    try:
        for name in names:
            bounded_server.make(BASE + 'validatingwebhookconfigurations', configuration('Validating', name, *elsewhere))
        create(bounded_server, tenant)
        hooks.taken()
        after = min(create(bounded_server, tenant).seconds for _ in range(20))
        assert after < before + 0.05, (before, after)
        assert hooks.taken() == []
        wanted = [webhook(f'w{i}', hooks.client('/all')) for i in range(200)]
        with configured(bounded_server, tenant, 'Validating', *wanted), bounded_server.attack(limit_s=30):
            assert create(bounded_server, tenant).status == 201
        assert len(hooks.taken()) == 200
    finally:
        for name in names:
            bounded_server.ask(bounded_server.admin, 'DELETE', f'{BASE}validatingwebhookconfigurations/{name}')


@pytest.mark.parametrize('client', [{'url': 'http://127.0.0.1/x'}, {'url': 'https://u:p@127.0.0.1/x'}, {'url': 'https://127.0.0.1/x?a=b'}, {'url': 'https://127.0.0.1/x#y'},
                                    {'url': 'unix:/var/run/docker.sock:/x'}, {'url': 'https:///x'}, {'service': {'namespace': 'a', 'name': 'b', 'path': '/../x?y'}},
                                    {'url': 'https://127.0.0.1/x', 'service': {'namespace': 'a', 'name': 'b'}}, {}], ids=str)
def test_targets_that_are_none(bounded_server, client):
    answer = bounded_server.ask(bounded_server.admin, 'POST', BASE + 'validatingwebhookconfigurations', configuration('Validating', 'target', webhook('t', client)))
    if answer.status == 201:
        bounded_server.ask(bounded_server.admin, 'DELETE', BASE + 'validatingwebhookconfigurations/target')
    assert answer.status == 422, answer
