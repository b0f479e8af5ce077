"""Clients that take places and give nothing: bodies that never end, answers that nobody reads."""
import http.client
import time

import pytest

from support.hostile import BoundedServer, rule
from support.http2_streams import Streams

SLOW_BODIES = 205          # more than --max-mutating-requests-inflight
JSON = (('content-type', 'application/json'),)


def test_slow_bodies_of_a_user_without_rights(bounded_server):
    """They are refused before their bodies are read, and hold nothing."""
    nobody = bounded_server.user()
    with bounded_server.attack(limit_s=20), Streams(bounded_server, nobody) as streams:
        opened = [streams.open('POST', '/api/v1/namespaces/default/configmaps', JSON, end=False, data=b'{') for _ in range(SLOW_BODIES)]
        assert streams.read(10, lambda: len(streams.answered) == SLOW_BODIES), f'{len(streams.answered)} answers before the bodies ended'
        assert set(opened) == set(streams.answered)
        streams.read(3)


def test_slow_bodies_of_what_everyone_may(bounded_server):
    """A user without rights may ask what he may: 205 such questions that never end refuse no heartbeat."""
    nobody = bounded_server.user()
    with bounded_server.attack(limit_s=20), Streams(bounded_server, nobody) as streams:
        for _ in range(SLOW_BODIES):
            streams.open('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', JSON, end=False, data=b'{')
        streams.read(4)
        assert not streams.answered


def test_slow_bodies_of_a_user_with_rights(bounded_server):
    """They wait for themselves alone: the neighbour's lease is renewed meanwhile, and their own user is served."""
    ns = bounded_server.namespace()
    tenant = bounded_server.user(rule('configmaps', 'create get'), namespace=ns)
    path = f'/api/v1/namespaces/{ns}/configmaps'
    with bounded_server.attack(limit_s=20), Streams(bounded_server, tenant) as streams:
        opened = [streams.open('POST', path, JSON, end=False, data=b'{"metadata":') for _ in range(SLOW_BODIES)]
        streams.read(2)
        assert not streams.answered
        assert bounded_server.ask(tenant, 'POST', path, {'metadata': {'name': 'quick'}}).status == 201
        streams.data(opened[-1], b'{"name":"slow"}}', end=True)
        assert streams.read(10, lambda: opened[-1] in streams.answered)
    assert bounded_server.ask(tenant, 'GET', f'{path}/slow').status == 200


def test_bodies_have_a_bound_for_each_user(bounded_server):
    """Bytes of bodies that do not end: 8 MiB a connection, 16 MiB a user, 64 MiB in all; the next gets 429."""
    ns = bounded_server.namespace()
    tenant = bounded_server.user(rule('configmaps', 'create'), namespace=ns)
    mib = b'"' + b'x' * (1 << 20)
    connections, refused = [], 0
    with bounded_server.attack(limit_s=60):
        for _ in range(20):
            raw = bounded_server.raw(tenant)
            connections.append(raw)
            raw.send(f'POST /api/v1/namespaces/{ns}/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {2 << 20}\r\n\r\n')
            raw.send(mib)
            raw.socket.settimeout(0.2)
            try:
                answer = http.client.HTTPResponse(raw.socket, method='POST')
                answer.begin()
                assert answer.status == 429 and answer.getheader('retry-after') == '1', answer.status
                refused += 1
            except TimeoutError:
                pass
    for raw in connections:
        raw.close()
    assert refused >= 4, f'{refused} of 20 were refused'


@pytest.fixture(scope='module')
def hasty_server():
    with BoundedServer(flags=['--request-timeout=3s']) as server:
        yield server


def test_an_answer_that_nobody_reads_ends_with_its_request(hasty_server):
    """A stream without a window is reset when the request's time is up."""
    ns = hasty_server.namespace()
    tenant = hasty_server.user(rule('configmaps', 'list'), namespace=ns)
    for i in range(4):
        hasty_server.make(f'/api/v1/namespaces/{ns}/configmaps', {'metadata': {'name': f'c{i}'}, 'data': {'k': 'x' * 500_000}})
    with hasty_server.attack(limit_s=30), Streams(hasty_server, tenant, window=0) as streams:
        began = time.monotonic()
        opened = [streams.open('GET', f'/api/v1/namespaces/{ns}/configmaps') for _ in range(4)]
        assert streams.read(15, lambda: len(streams.reset) == len(opened)), f'{len(streams.reset)} of {len(opened)} streams were ended'
        assert time.monotonic() - began > 2
    hasty_server.check_unharmed()
