"""Conversion webhooks that hang, answer without end, with bombs or with what others may not see: their own resource fails, everything else is served."""
import concurrent.futures
import json
import threading

import pytest

from support.conversion_webhook import GROUP, ConversionWebhook, definition
from support.hostile import SLOWNESS
from support.nodes import await_true

CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
PATH = f'/apis/{GROUP}/%s/namespaces/default/hosts'
OBJECTS = 40


@pytest.fixture(scope='module')
def webhook(running_server):
    webhook = ConversionWebhook(running_server.server.pki)
    yield webhook
    webhook.stop()


@pytest.fixture
def hosts(bounded_server, webhook):
    """The server, with objects that are stored in v1, none of which has been shown in another version yet."""
    webhook.behave = webhook.good
    bounded_server.make(CRDS, definition(webhook.client_config()))
    name = f'{CRDS}/hosts.{GROUP}'
    await_true('served', lambda: bounded_server.ask(bounded_server.admin, 'GET', PATH % 'v1').status == 200)
    for i in range(OBJECTS):
        bounded_server.make(PATH % 'v1', {'apiVersion': f'{GROUP}/v1', 'kind': 'Host', 'metadata': {'name': f'h{i}'}, 'spec': {'hostPort': f'h:{i}'}})
    webhook.calls.clear()
    yield bounded_server
    webhook.released.set()
    assert bounded_server.ask(bounded_server.admin, 'DELETE', name).status == 200  # whatever the webhook does
    await_true('gone', lambda: bounded_server.ask(bounded_server.admin, 'GET', name).status == 404, timeout_s=30 * SLOWNESS)
    webhook.released.clear()


def get(server, version, what='', timeout_s=60):
    return server.ask(server.admin, 'GET', PATH % version + what, timeout_s=timeout_s)


def test_a_webhook_that_hangs(hosts, webhook):
    """Those who need it wait, once for all of them; the stored version, other resources and the definition's deletion do not."""
    webhook.behave = webhook.hang
    with hosts.attack(limit_s=45), concurrent.futures.ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(get, hosts, 'v2') for _ in range(20)]
        await_true('it was asked', lambda: webhook.calls)
        for _ in range(20):
            assert get(hosts, 'v1', timeout_s=5).status == 200
        for answer in (w.result() for w in waiting):
            assert answer.status in (500, 504), answer
            assert b'conversion webhook for' in answer.body or answer.status == 504, answer
    # However many ask, each object is on its way once.
    assert webhook.objects_asked() <= 3 * OBJECTS, webhook.objects_asked()


@pytest.mark.parametrize('what', ['endless', 'bomb', 'nested', 'redirect to itself', 'nothing'])
def test_answers_that_are_none(hosts, webhook, what):
    def endless():
        while not webhook.released.is_set():
            yield b' ' * 65536
    answers = {'endless': lambda r: endless(), 'bomb': lambda r: json.dumps(webhook.answer(r, [])).replace('[]', '[' + ','.join(['{}'] * 4_000_000) + ']').encode(),
               'nested': lambda r: b'[' * 1_000_000, 'redirect to itself': lambda r: {'kind': 'ConversionReview', 'response': {'uid': 'x'}}, 'nothing': lambda r: b''}
    webhook.behave = answers[what]
    with hosts.attack(limit_s=60):
        answer = get(hosts, 'v2')
    assert answer.status == 500 and b'conversion webhook for convert.example.com/v1, Kind=Host' in answer.body, answer
    assert get(hosts, 'v1').status == 200


def test_watches_of_a_version_that_cannot_be_shown_end_with_an_error(hosts, webhook):
    webhook.behave = lambda review: webhook.answer(review, [])
    answer = get(hosts, 'v2', '?watch=true&timeoutSeconds=20')
    assert answer.status == 200 and answer.seconds < 15 * SLOWNESS
    last = json.loads(answer.body.splitlines()[-1])
    assert last['type'] == 'ERROR' and last['object']['code'] == 500 and 'conversion webhook for' in last['object']['message'], last


def test_an_object_is_converted_once_however_many_watch(hosts, webhook):
    watchers, seen = 60, []

    def watch(i):
        answer = get(hosts, 'v2', '?watch=true&timeoutSeconds=8')
        seen.append(sum(json.loads(line)['type'] == 'ADDED' for line in answer.body.splitlines()))
    threads = [threading.Thread(target=watch, args=(i,)) for i in range(watchers)]
    with hosts.attack(limit_s=60):
        for t in threads:
            t.start()
        await_true('it was asked', lambda: webhook.calls)
        hosts.make(PATH % 'v1', {'apiVersion': f'{GROUP}/v1', 'kind': 'Host', 'metadata': {'name': 'new'}, 'spec': {'hostPort': 'n:1'}})
        for t in threads:
            t.join()
    assert seen == [OBJECTS + 1] * watchers
    assert webhook.objects_asked() <= 2 * (OBJECTS + 1), webhook.objects_asked()
