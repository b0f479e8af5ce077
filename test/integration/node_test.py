"""What the kubelet does for its node: the Node and its Lease, static pods and their mirrors, admission, probes of each kind, a serving
certificate by request, and the order of a shutdown. On a real containerd."""
import base64
import datetime
import json
import os
import signal
import ssl
import subprocess
import textwrap

import pytest
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

FOREVER = 'trap "exit 0" TERM; while true; do sleep 0.1; done'


@pytest.fixture(scope='module')
def node():
    with own_network():
        made = KubeletNode('n1', flags=['--node-labels=team=blue', '--register-with-taints=test=yes:PreferNoSchedule'])
        made.flags.append(f'--cert-dir={made.folder}/kubelet/pki')
        manifests = made.folder / 'manifests'
        manifests.mkdir()
        made.manifests = manifests
        made.config = {'staticPodPath': str(manifests), 'serverTLSBootstrap': True, 'shutdownGracePeriod': '10s', 'shutdownGracePeriodCriticalPods': '4s',
                       'nodeStatusUpdateFrequency': '2s', 'nodeStatusReportFrequency': '5m', 'nodeLeaseDurationSeconds': 8, 'kubeReserved': {'cpu': '100m'}}
        with made:
            yield made


def get(node, *args):
    return json.loads(node.server.kubectl('get', *args, '-o', 'json'))


def the_node(node):
    return get(node, 'node', 'n1')


def condition(thing, kind):
    return next((c for c in thing['status'].get('conditions', []) if c['type'] == kind), {})


def is_ready(node):
    return condition(the_node(node), 'Ready').get('status') == 'True'


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def test_the_node_is_registered_and_becomes_ready(node):
    await_true('the node to be ready', lambda: is_ready(node))
    it = the_node(node)
    assert it['metadata']['labels']['team'] == 'blue' and it['metadata']['labels']['kubernetes.io/hostname'] == 'n1'
    assert it['metadata']['annotations']['volumes.kubernetes.io/controller-managed-attach-detach'] == 'true'
    assert {'key': 'test', 'value': 'yes', 'effect': 'PreferNoSchedule'} in it['spec']['taints']
    assert [c['type'] for c in it['status']['conditions']] == ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']
    assert condition(it, 'Ready')['reason'] == 'KubeletReady' and condition(it, 'MemoryPressure')['reason'] == 'KubeletHasSufficientMemory'
    assert it['status']['addresses'] == [{'type': 'InternalIP', 'address': '127.0.0.1'}, {'type': 'Hostname', 'address': 'n1'}]
    capacity, allocatable = it['status']['capacity'], it['status']['allocatable']
    assert capacity['cpu'] == str(os.cpu_count()) and allocatable['cpu'] == f'{os.cpu_count() * 1000 - 100}m' and capacity['pods'] == '110'
    assert it['status']['nodeInfo']['containerRuntimeVersion'].startswith('containerd://')
    assert it['status']['nodeInfo']['kubeletVersion'].startswith('v1.36')
    assert it['status']['daemonEndpoints']['kubeletEndpoint']['Port'] == 10250
    assert {r for _, r, _ in node.events('n1')} >= {'Starting', 'NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'}


def test_the_lease_is_renewed_and_the_status_is_not_resent(node):
    await_true('the node to be ready', lambda: is_ready(node))

    def lease():
        return get(node, 'lease', 'n1', '-n', 'kube-node-lease')['spec']
    first = await_true('the lease', lease)
    assert first['holderIdentity'] == 'n1' and first['leaseDurationSeconds'] == 8
    before = the_node(node)['metadata']['resourceVersion']
    await_true('its renewal', lambda: time_of(lease()['renewTime']) > time_of(first['renewTime']) + datetime.timedelta(seconds=3), timeout_s=20)
    # Two renewals and two looks later nothing was written about a node that is as it was.
    after = the_node(node)
    assert after['metadata']['resourceVersion'] == before, after['status']
    assert get(node, 'lease', 'n1', '-n', 'kube-node-lease')['metadata']['ownerReferences'][0]['kind'] == 'Node'


def test_cordoning_is_told(node):
    node.server.kubectl('cordon', 'n1')
    await_true('the event', lambda: 'NodeNotSchedulable' in {r for _, r, _ in node.events('n1')})
    node.server.kubectl('uncordon', 'n1')
    await_true('the event', lambda: 'NodeSchedulable' in {r for _, r, _ in node.events('n1')})


def manifest(name, script=FOREVER):
    return textwrap.dedent(f'''\
        apiVersion: v1
        kind: Pod
        metadata: {{name: {name}, labels: {{tier: static}}}}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - name: main
            image: busybox:1.36
            imagePullPolicy: IfNotPresent
            command: [sh, -c, '{script.replace(chr(39), chr(39) * 2)}']
        ''')


def running(pod):
    return pod and pod['status']['phase'] == 'Running' and condition(pod, 'Ready').get('status') == 'True'


def test_static_pods_and_their_mirrors(node):
    path = node.manifests / 'web.yaml'
    path.write_text(manifest('web'))
    pod = node.wait('web-n1', running)
    notes = pod['metadata']['annotations']
    assert notes['kubernetes.io/config.source'] == 'file' and notes['kubernetes.io/config.mirror'] == notes['kubernetes.io/config.hash']
    assert pod['metadata']['ownerReferences'] == [{'apiVersion': 'v1', 'kind': 'Node', 'name': 'n1', 'uid': the_node(node)['metadata']['uid'], 'controller': True}]
    container = pod['status']['containerStatuses'][0]['containerID']
    # A mirror that somebody deletes comes back; its pod has not noticed.
    node.server.kubectl('delete', 'pod', 'web-n1', '--wait=false')
    again = node.wait('web-n1', lambda p: p and p['metadata']['uid'] != pod['metadata']['uid'] and running(p))
    assert again['status']['containerStatuses'][0]['containerID'] == container
    # A changed manifest is another pod.
    path.write_text(manifest('web', 'echo new; ' + FOREVER))
    node.wait('web-n1', lambda p: running(p) and p['status']['containerStatuses'][0]['containerID'] != container)
    # A broken one beside it changes nothing.
    (node.manifests / 'broken.yaml').write_text('kind: Pod\nmetadata: {')
    path.unlink()
    node.wait('web-n1', lambda p: p is None)


def test_pods_that_do_not_fit_are_refused(node):
    await_true('the node to be ready', lambda: is_ready(node))
    cores = os.cpu_count()
    rows = {'big': ({'resources': {'requests': {'cpu': str(cores)}}}, {}, 'OutOfcpu'),
            'elsewhere': ({}, {'nodeSelector': {'team': 'red'}}, 'NodeAffinity'),
            'other-os': ({}, {'os': {'name': 'windows'}}, 'PodOSNotSupported')}
    for name, (container, spec, reason) in rows.items():
        node.run_pod(name, {'command': ['sh', '-c', FOREVER], **container}, **spec)
        pod = node.wait(name, lambda p: p and p['status']['phase'] == 'Failed')
        assert pod['status']['reason'] == reason, pod['status']
        assert ('Warning', reason) in [(t, r) for t, r, _ in node.events(name)]
    assert "Node didn't have enough resource: cpu, requested: " in node.pod('big')['status']['message']


def test_probes_by_http_and_tcp(node):
    web = 'mkdir -p /w && echo ok > /w/live && httpd -p 8080 -h /w; sleep 2; rm /w/live; ' + FOREVER
    node.run_pod('by-http', {'command': ['sh', '-c', web], 'ports': [{'name': 'web', 'containerPort': 8080}],
                             'startupProbe': {'tcpSocket': {'port': 8080}, 'periodSeconds': 1},
                             'readinessProbe': {'httpGet': {'path': '/live', 'port': 'web'}, 'periodSeconds': 1, 'failureThreshold': 1}}, wait=running)
    node.wait('by-http', lambda p: condition(p, 'Ready').get('status') == 'False')
    assert condition(node.pod('by-http'), 'Ready')['reason'] == 'ContainersNotReady'
    assert ('Warning', 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 404') in node.events('by-http')
    node.run_pod('by-tcp', {'command': ['sh', '-c', FOREVER], 'startupProbe': {'tcpSocket': {'port': 9}, 'periodSeconds': 1, 'failureThreshold': 2}})
    pod = node.wait('by-tcp', lambda p: p and p['status'].get('containerStatuses', [{}])[0].get('restartCount', 0) > 0)
    events = node.events('by-tcp')
    assert ('Normal', 'Killing', 'Container main failed startup probe, will be restarted') in events
    assert any(r == 'Unhealthy' and m.startswith('Startup probe failed: dial tcp 10.42.') for _, r, m in events), events
    assert not pod['status']['containerStatuses'][0]['started']
    node.server.kubectl('delete', 'pod', 'by-http', 'by-tcp', '--wait=false')


def test_a_serving_certificate_is_asked_for_and_used(node):
    def request():
        return next((r for r in get(node, 'csr')['items'] if r['spec']['signerName'] == 'kubernetes.io/kubelet-serving'), None)
    csr = await_true('the request', request)
    assert csr['spec']['usages'] == ['digital signature', 'server auth']
    name, folder, pki = csr['metadata']['name'], node.folder, node.server.pki
    (folder / 'request.pem').write_bytes(base64.b64decode(csr['spec']['request']))
    said = subprocess.run(['openssl', 'req', '-in', str(folder / 'request.pem'), '-noout', '-text'], capture_output=True, text=True).stdout
    assert 'O = system:nodes, CN = system:node:n1' in said and 'IP Address:127.0.0.1' in said and 'DNS:n1' in said
    node.server.kubectl('certificate', 'approve', name)
    subprocess.run(['openssl', 'x509', '-req', '-in', str(folder / 'request.pem'), '-CA', pki.ca, '-CAkey', pki.path('ca.key'), '-CAcreateserial', '-days', '2',
                    '-copy_extensions', 'copy', '-out', str(folder / 'signed.pem')], check=True, capture_output=True)
    signed = base64.b64encode((folder / 'signed.pem').read_bytes()).decode()
    node.server.kubectl('patch', 'csr', name, '--subresource=status', '--type=merge', '-p', json.dumps({'status': {'certificate': signed}}))
    current = node.folder / 'kubelet/pki/kubelet-server-current.pem'
    await_true('the certificate', current.exists)
    assert current.is_symlink() and current.stat().st_mode & 0o777 == 0o600
    await_true('the server to use it', lambda: ssl.get_server_certificate(('127.0.0.1', 10250)).strip() == (folder / 'signed.pem').read_text().strip())


def test_a_dead_runtime_shows(node):
    await_true('the node to be ready', lambda: is_ready(node))
    node.containerd.stop()
    await_true('the node to know', lambda: 'container runtime is down' in condition(the_node(node), 'Ready').get('message', ''), timeout_s=60)
    node.start_containerd()
    await_true('the node to be ready again', lambda: is_ready(node), timeout_s=20)
    assert {'NodeNotReady', 'NodeReady'} <= {r for _, r, _ in node.events('n1')}


def test_pods_end_in_order_when_the_node_shuts_down(node):
    slow = 'trap "sleep 1; exit 0" TERM; while true; do sleep 0.1; done'
    node.run_pod('plain', {'command': ['sh', '-c', slow]}, terminationGracePeriodSeconds=30, wait=running)
    (node.manifests / 'static.yaml').write_text(manifest('critical'))
    node.wait('critical-n1', running)
    assert node.stop_kubelet(signal.SIGTERM) == 0
    pod = node.pod('plain')
    assert pod['status']['phase'] == 'Failed' and pod['status']['reason'] == 'Terminated'
    assert pod['status']['message'] == 'Pod was terminated in response to imminent node shutdown.'
    assert condition(pod, 'DisruptionTarget')['reason'] == 'TerminationByKubelet'
    ready = condition(the_node(node), 'Ready')
    assert ready['status'] == 'False' and ready['message'] == 'node is shutting down'
    assert not node.running()
    (node.manifests / 'static.yaml').unlink()
