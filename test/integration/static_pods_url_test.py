"""Static pods by URL (staticPodURL, --manifest-url-header): followed, kept while the server is away, refused when they name things of the API."""
import http.server
import json
import os
import threading

import pytest
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')
FOREVER = 'trap exit TERM; while true; do sleep 1; done'


def pod(name, **spec):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {
        'terminationGracePeriodSeconds': 1, **spec,
        'containers': [{'name': 'main', 'image': 'busybox:1.36', 'imagePullPolicy': 'IfNotPresent', 'command': ['sh', '-c', FOREVER]}]}}


def pods(*items):
    return json.dumps({'apiVersion': 'v1', 'kind': 'PodList', 'items': items})


class Manifests(http.server.BaseHTTPRequestHandler):
    answer, asked = (200, ''), []

    def do_GET(self):
        self.asked.append(dict(self.headers))
        status, text = self.answer
        self.send_response(status)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope='module')
def node():
    with own_network():
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Manifests)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}/pods'
        with KubeletNode('n1', config={'staticPodURL': url, 'httpCheckFrequency': '300ms'}, flags=['--manifest-url-header=X-Token:hidden-word']) as made:
            yield made
        server.shutdown()


def running(it):
    return it and it['status']['phase'] == 'Running'


def looks(count=3):
    """Some more looks at the URL have ended."""
    seen = len(Manifests.asked)
    await_true('more looks', lambda: len(Manifests.asked) > seen + count)


def test_followed_kept_and_taken_away(node):
    await_true('the first look', lambda: Manifests.asked)
    assert Manifests.asked[0]['X-Token'] == 'hidden-word'
    Manifests.answer = (200, json.dumps(pod('one')))
    one = node.wait('one-n1', running)
    notes = one['metadata']['annotations']
    assert notes['kubernetes.io/config.source'] == 'http' and notes['kubernetes.io/config.mirror'] == notes['kubernetes.io/config.hash']
    Manifests.answer = (200, pods(pod('one'), pod('two')))
    node.wait('two-n1', running)
    container = one['status']['containerStatuses'][0]['containerID']
    # Neither errors nor what is no list of pods, nor one with a pod that may not be, takes anything away.
    for answer in ((500, ''), (200, '<html>'), (200, pods(pod('three'), pod('four', serviceAccountName='default')))):
        Manifests.answer = answer
        looks()
    assert 'static pods may not reference serviceaccounts' in node.kubelet.tail(200) and 'hidden-word' not in node.kubelet.tail(2000)
    assert node.wait('one-n1', running)['status']['containerStatuses'][0]['containerID'] == container
    Manifests.answer = (200, pods(pod('two')))
    node.wait('one-n1', lambda p: p is None)
    node.wait('two-n1', running)
    Manifests.answer = (200, '')
    node.wait('two-n1', lambda p: p is None)
