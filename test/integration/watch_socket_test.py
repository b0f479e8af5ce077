"""Watches over a WebSocket, as fabric8's client opens them and browsers do."""
import json
import re
import urllib.parse

import pytest
import websocket
from kubernetes import client, config
from support.cluster import wait_for


@pytest.fixture(scope='module')
def core(server):
    return client.CoreV1Api(config.new_client_from_config(server.kubeconfig))


def create(core, ns, name):
    core.create_namespaced_config_map(ns.name, client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name)))


def socket_watch(server, ns, *headers, origin=None, suppress_origin=False, subprotocols=None, **options):
    """A watch of config maps over a WebSocket that the server ends after a second."""
    query = urllib.parse.urlencode({'watch': 'true', 'timeoutSeconds': 1, **options})
    tls = {'ca_certs': server.pki.ca, 'certfile': server.pki.path('admin.crt'), 'keyfile': server.pki.path('admin.key')}
    return websocket.create_connection(f'wss://127.0.0.1:{server.port}/api/v1/namespaces/{ns.name}/configmaps?{query}', sslopt=tls, header=list(headers), timeout=10,
                                       origin=origin, suppress_origin=suppress_origin, subprotocols=subprotocols)


def messages(socket):
    """(is it text, bytes) of each message up to the close frame, and its code."""
    out = []
    while True:
        kind, data = socket.recv_data()
        if kind == websocket.ABNF.OPCODE_CLOSE:
            socket.shutdown()
            return out, int.from_bytes(data[:2], 'big')
        out.append((kind == websocket.ABNF.OPCODE_TEXT, data))


def test_an_event_is_a_message(server, core, ns):
    """Text in JSON, binary in protobuf. The subprotocol that asks for base64 changes nothing."""
    create(core, ns, 'a')
    options = {'fieldSelector': 'metadata.name=a'}
    initial = {**options, 'sendInitialEvents': 'true', 'resourceVersionMatch': 'NotOlderThan', 'allowWatchBookmarks': 'true'}
    seen, code = messages(socket_watch(server, ns, **initial))
    events = [json.loads(data) for is_text, data in seen if is_text and data.endswith(b'}\n')]
    assert code == 1000 and [e['type'] for e in events] == ['ADDED', 'BOOKMARK'], seen
    assert events[0]['object']['metadata']['name'] == 'a' and events[1]['object']['metadata']['annotations'] == {'k8s.io/initial-events-end': 'true'}
    [(is_text, data)], _ = messages(socket_watch(server, ns, 'Sec-WebSocket-Protocol: base64.binary.k8s.io', **options))
    assert is_text and json.loads(data)['type'] == 'ADDED'
    [(is_text, data)], _ = messages(socket_watch(server, ns, 'Accept: application/vnd.kubernetes.protobuf', **options))
    assert not is_text and data.startswith(b'\n\x05ADDED\x12') and b'k8s\0' in data
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        socket_watch(server, ns, sendInitialEvents='true')
    assert refused.value.status_code == 422, 'what is refused is answered as it is without'


def refusal(server, ns, **how):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        socket_watch(server, ns, **how)
    return refused.value.status_code


def test_a_handshake_names_its_origin(server, ns):
    assert refusal(server, ns, suppress_origin=True) == 403
    assert refusal(server, ns, origin='null') == 403


def open_watches(server):
    """Of config maps."""
    return sum(float(value) for value in re.findall(r'^apiserver_longrunning_requests{.*resource="configmaps".*} (\S+)$', server.kubectl('get', '--raw', '/metrics'), re.M))


@pytest.mark.parametrize('end', ['close', 'cut', 'noise'])
def test_a_peer_that_goes_leaves_nothing(server, core, ns, end):
    """It closes, its connection ends, or it sends what is no frame: the watch is over, long before its time."""
    before = open_watches(server)
    create(core, ns, 'a')
    socket = socket_watch(server, ns, timeoutSeconds=600)
    assert json.loads(socket.recv())['type'] == 'ADDED'
    assert open_watches(server) == before + 1
    socket.send('nobody reads this')
    create(core, ns, 'b')
    assert json.loads(socket.recv())['object']['metadata']['name'] == 'b', 'what a peer says disturbs nothing'
    if end == 'close':
        socket.send_close(1000)
        assert socket.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE
    elif end == 'cut':
        socket.sock.close()
    else:
        socket.sock.sendall(b'\xff' * 64)
    wait_for(lambda: open_watches(server) == before, 'the end of the watch', server.server)


def test_two_subprotocols_are_refused(server, ns):
    assert refusal(server, ns, subprotocols=['binary.k8s.io', 'base64.binary.k8s.io']) == 400
