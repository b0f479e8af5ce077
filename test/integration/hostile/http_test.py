"""The edges of HTTP: heads that are large, many or never end, floods of frames, times that no clock reckons with, and
proxies that are sent back into the server."""
import contextlib
import zlib

import pytest

from support.hostile import rule
from support.http2_frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RESET, SETTINGS, Http2, block, frame, request

ENHANCE_YOUR_CALM = 11


@pytest.fixture(scope='module')
def tenant(running_server):
    return running_server.user(rule('namespaces', 'list watch create'))


def open_http2(server, user):
    return Http2(server.port, user, server.ca)


# --- heads ------------------------------------------------------------------------------------------------------------

def test_large_heads_behind_a_request_are_read(bounded_server):
    """The second head begins while the first request is served; the reader must be woken for what is above 64 KiB."""
    for size in (70_000, 200_000, 900_000):
        with bounded_server.attack(limit_s=10), bounded_server.raw(bounded_server.admin) as raw:
            raw.send('GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nX: ' + 'x' * size + '\r\n\r\n')
            assert raw.answer(timeout_s=5).status == 200
            assert raw.answer(timeout_s=5).body == b'ok', size


def test_heads_over_the_limit_are_431(bounded_server):
    with bounded_server.attack(limit_s=20):
        for text in ('GET /readyz HTTP/1.1\r\nHost: x\r\nX: ' + 'x' * 1_100_000 + '\r\n\r\n', 'GET /' + 'x' * 1_100_000 + ' HTTP/1.1\r\nHost: x\r\n\r\n'):
            with bounded_server.raw(bounded_server.admin) as raw:
                with contextlib.suppress(ConnectionError):
                    raw.send(text)
                assert raw.answer().status == 431


def test_a_large_http2_field_ends_its_stream_alone(bounded_server, tenant):
    with bounded_server.attack(limit_s=10), open_http2(bounded_server, tenant) as h2:
        many = [('x', 'v' * 2000)] * 300
        h2.send(request(1, '/readyz') + request(3, '/livez', ('x', 'v' * 80_000)) + request(5, '/livez', *many) + request(7, '/readyz'))
        got = h2.until_ended([1, 3, 5, 7])
    assert got.keys() == {1, 3, 5, 7}, got
    assert got[1] == got[5] == got[7] == b'ok', got
    assert b'431' in got[3], got


def test_large_heads_together_are_bounded(bounded_server):
    """150 MB of heads that never end."""
    with bounded_server.attack(limit_s=60, latency_max_s=3), contextlib.ExitStack() as open_ones:
        raws = [open_ones.enter_context(bounded_server.raw(bounded_server.admin)) for _ in range(150)]
        for raw in raws:
            with contextlib.suppress(OSError):
                raw.send('GET /readyz HTTP/1.1\r\nHost: x\r\nX: ' + 'x' * 1_000_000)
        assert bounded_server.process.rss_mib() < bounded_server.idle_mib + 150
        refused = 0
        for raw in raws:
            raw.socket.settimeout(0.1)
            with contextlib.suppress(OSError):
                refused += b' 431 ' in raw.socket.recv(100)
        assert refused > 50, refused


# --- floods -----------------------------------------------------------------------------------------------------------

# x: 4,000 bytes, kept in HPACK's table; each 0xbe stands for it afterwards.
IN_TABLE = b'\x40\x01x\x7f\xa1\x1e' + b'v' * 4000
FLOODS = {
    'pings': frame(PING, 0, 0, b'12345678') * 3000,
    'settings': frame(SETTINGS, 0, 0) * 3000,
    'priorities': frame(PRIORITY, 0, 1, b'\0\0\0\0\x10') * 3000,
    'empty data': frame(HEADERS, END_HEADERS, 1, block('/api/v1/namespaces', method='POST')) + frame(DATA, 0, 1) * 3000,
    'continuations': frame(HEADERS, END_STREAM, 1, block('/readyz')) + frame(CONTINUATION, 0, 1) * 3000,
    'header table': frame(HEADERS, END_STREAM, 1, block('/readyz') + IN_TABLE) + frame(CONTINUATION, END_HEADERS, 1, b'\xbe' * 16_000),
}


@pytest.mark.parametrize('flood', FLOODS)
def test_floods_end_their_connection(bounded_server, tenant, flood):
    with bounded_server.attack(limit_s=15), open_http2(bounded_server, tenant) as h2:
        with contextlib.suppress(OSError):
            h2.send(FLOODS[flood])
        got = h2.until_ended([99])
    assert got.get('goaway') == ENHANCE_YOUR_CALM and got['closed'], got


def test_resets_of_what_was_just_asked(bounded_server, tenant):
    with bounded_server.attack(limit_s=20), open_http2(bounded_server, tenant) as h2:
        with contextlib.suppress(OSError):
            for stream in range(1, 10_001, 2):
                h2.send(request(stream, '/api/v1/namespaces?watch=1') + frame(RESET, 0, stream, b'\0\0\0\x08'))
        assert 'closed' in h2.until_ended([99_999])


# --- times ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('seconds', [2**63 - 1, 2**62, 2**60, 10**10])
def test_far_times_are_not_in_the_past(bounded_server, seconds):
    admin, ns = bounded_server.admin, bounded_server.namespace()
    pods = f'/api/v1/namespaces/{ns}/pods'
    spec = {'nodeName': 'n', 'terminationGracePeriodSeconds': seconds, 'containers': [{'name': 'c', 'image': 'x'}]}
    created = bounded_server.make(pods, {'metadata': {'name': 'p'}, 'spec': spec})['metadata']['creationTimestamp']
    deleted = bounded_server.ask(admin, 'DELETE', f'{pods}/p').json()
    assert deleted['metadata']['deletionTimestamp'] > '2100', deleted
    again = bounded_server.ask(admin, 'DELETE', f'{pods}/p', {'gracePeriodSeconds': 3600}).json()
    assert created <= again['metadata']['deletionTimestamp'] < '2100', again
    with bounded_server.raw(admin) as raw:
        raw.send(f'GET {pods}?watch=1&timeoutSeconds={seconds} HTTP/1.1\r\nHost: x\r\n\r\n')
        raw.socket.settimeout(2)
        text = b''
        with contextlib.suppress(TimeoutError):
            while True:
                text += raw.socket.recv(65536)
                assert not text.endswith(b'0\r\n\r\n'), 'the watch ended at once'
        assert b'ADDED' in text
    token = bounded_server.ask(admin, 'POST', f'/api/v1/namespaces/{ns}/serviceaccounts/default/token', {'spec': {'expirationSeconds': seconds}})
    assert token.status in (201, 422), token
    if token.status == 201:
        assert token.json()['status']['expirationTimestamp'] > created


# --- proxies ----------------------------------------------------------------------------------------------------------

INWARD = ['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::1', '::', '0.0.0.0', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '169.254.169.254',
          '::ffff:169.254.169.254', 'localhost']


@pytest.mark.parametrize('address', INWARD)
def test_a_node_leads_no_proxy_back_into_the_server(bounded_server, address):
    admin, name = bounded_server.admin, f'n-{zlib.crc32(address.encode())}'
    bounded_server.make('/api/v1/nodes', {'metadata': {'name': name}})
    kind = 'Hostname' if address == 'localhost' else 'InternalIP'
    status = {'addresses': [{'type': kind, 'address': address}], 'daemonEndpoints': {'kubeletEndpoint': {'Port': bounded_server.port}}}
    patched = bounded_server.ask(admin, 'PATCH', f'/api/v1/nodes/{name}/status', {'status': status}, {'Content-Type': 'application/merge-patch+json'})
    assert patched.status in (200, 422), patched
    if patched.status == 422:
        return
    for target in (name, f'https:{name}:{bounded_server.port}', f'{name}:{bounded_server.port}'):
        answer = bounded_server.ask(admin, 'GET', f'/api/v1/nodes/{target}/proxy/api/v1/namespaces/kube-system/secrets')
        assert answer.status == 400 and 'address not allowed' in answer.json()['message'], answer
