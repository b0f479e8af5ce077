"""A node that runs short of disk: its conditions, which pods go and what is said, which are refused, and how it recovers; limits of local
storage. The kubelet's root is a small file system of its own, so that filling it hurts nobody else."""
import errno
import json
import os

import pytest
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

DISK_MIB, LEAST_MIB, HOLD_S = 64, 16, 6
FOREVER = 'trap "exit 143" TERM; while true; do sleep 0.1; done'
DATA = {'volumeMounts': [{'name': 'data', 'mountPath': '/data'}]}
CRITICAL = {'priorityClassName': 'system-node-critical'}


@pytest.fixture(scope='module')
def node():
    config = {'evictionHard': {'nodefs.available': f'{LEAST_MIB}Mi'}, 'evictionPressureTransitionPeriod': f'{HOLD_S}s', 'nodeStatusUpdateFrequency': '1s'}
    with own_network(), KubeletNode(config=config, disk_mib=DISK_MIB) as n:
        await_true('the node has room', lambda: n.condition('DiskPressure')['status'] == 'False')
        yield n


def condition(pod, kind):
    return next((c for c in pod['status'].get('conditions', []) if c['type'] == kind), {})


def ready(pod):
    return pod is not None and condition(pod, 'Ready').get('status') == 'True'


def phase(name):
    return lambda pod: pod and pod['status']['phase'] == name


def shell(script, **more):
    return {'command': ['sh', '-c', script], **more}


def empty_dir(**more):
    return [{'name': 'data', 'emptyDir': more}]


def fill(path):
    """Writes until the disk is full."""
    with open(path, 'wb') as f:
        try:
            while True:
                f.write(b'x' * (1 << 16))
                f.flush()
        except OSError as e:
            assert e.errno == errno.ENOSPC
    return path


def test_the_pod_that_fills_the_disk_goes(node):
    node.run_pod('small', shell(f'echo little > /data/file; {FOREVER}', **DATA), volumes=empty_dir(), wait=ready)
    pod = node.run_pod('hog', shell(f'dd if=/dev/zero of=/data/file bs=1M count={DISK_MIB - LEAST_MIB + 4}; {FOREVER}', **DATA), volumes=empty_dir(), terminationGracePeriodSeconds=30,
                       wait=phase('Failed'))
    assert pod['status']['reason'] == 'Evicted'
    message = pod['status']['message']
    assert message.startswith(f'The node was low on resource: ephemeral-storage. Threshold quantity: {LEAST_MIB}Mi, available: ')
    target = condition(pod, 'DisruptionTarget')
    assert (target['status'], target['reason'], target['message']) == ('True', 'TerminationByKubelet', message)
    assert ('Warning', 'Evicted', message) in node.events('hog')
    listed = json.loads(node.server.kubectl('get', 'events', '--field-selector', 'involvedObject.name=hog,reason=Evicted', '-o', 'json'))
    assert listed['items'][0]['metadata']['annotations']['starved_resource'] == 'ephemeral-storage'

    pressure = node.condition('DiskPressure')
    assert (pressure['status'], pressure['reason'], pressure['message']) == ('True', 'KubeletHasDiskPressure', 'kubelet has disk pressure')
    refused = node.run_pod('refused', shell(FOREVER), wait=phase('Failed'))
    assert (refused['status']['reason'], refused['status']['message']) == ('Evicted', 'Pod was rejected: The node had condition: [DiskPressure]. ')
    assert ready(node.run_pod('critical', shell(FOREVER), **CRITICAL, wait=ready))
    assert ready(node.pod('small'))

    await_true('the pressure is over', lambda: node.condition('DiskPressure')['status'] == 'False', timeout_s=HOLD_S + 20)
    assert node.condition('DiskPressure')['reason'] == 'KubeletHasNoDiskPressure'
    said = node.events('node')
    assert ('Warning', 'EvictionThresholdMet', 'Attempting to reclaim ephemeral-storage') in said
    assert ('Normal', 'NodeHasDiskPressure', 'Node node status is now: NodeHasDiskPressure') in said
    assert ('Normal', 'NodeHasNoDiskPressure', 'Node node status is now: NodeHasNoDiskPressure') in said
    assert ready(node.pod('small')) and ready(node.run_pod('accepted', shell(FOREVER), wait=ready))


def test_a_full_disk_breaks_nothing(node):
    """Somebody else fills the disk: all pods but critical ones go, one after another; files are the old ones or the new, whole."""
    node.server.kubectl('create', 'configmap', 'settings', '--from-literal=a=old', '--from-literal=b=old')
    volumes = [{'name': 'data', 'configMap': {'name': 'settings'}}]
    guard = node.run_pod('guard', shell(FOREVER, **DATA), volumes=volumes, **CRITICAL, wait=ready)
    for name in ('one', 'two'):
        node.run_pod(name, shell(FOREVER), wait=ready)
    files = node.folder / 'kubelet/pods' / guard['metadata']['uid'] / 'volumes/kubernetes.io~configmap/data'
    before = sorted(os.listdir(files))
    filler = fill(node.folder / 'kubelet/filler')
    for name in ('one', 'two'):
        assert node.wait(name, phase('Failed'))['status']['reason'] == 'Evicted'
    fill(node.folder / 'kubelet/filler2')     # what they left
    new = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'settings'}, 'data': {'a': 'new', 'b': 'n' * 200_000}}
    node.server.kubectl('replace', '-f', '-', stdin=json.dumps(new))
    await_true('the update fails', lambda: any(r == 'FailedMount' and 'no space left on device' in m for _, r, m in node.events('guard')), timeout_s=20)
    assert sorted(os.listdir(files)) == before
    assert (files / 'a').read_text() == 'old' and (files / 'b').read_text() == 'old'
    assert ready(node.pod('guard')) and node.condition('DiskPressure')['status'] == 'True'

    filler.unlink()
    (node.folder / 'kubelet/filler2').unlink()
    await_true('the update arrives', lambda: (files / 'a').read_text() == 'new' and len((files / 'b').read_text()) == 200_000, timeout_s=40)
    await_true('the pressure is over', lambda: node.condition('DiskPressure')['status'] == 'False', timeout_s=HOLD_S + 20)
    assert ready(node.run_pod('again', shell(FOREVER), wait=ready)) and ready(node.pod('guard'))
    assert guard['status']['containerStatuses'][0]['containerID'] == node.pod('guard')['status']['containerStatuses'][0]['containerID']


@pytest.mark.parametrize('name, volume, container, message', [
    ('sized', {'sizeLimit': '1Mi'}, {}, 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". '),
    ('limited', {}, {'resources': {'limits': {'ephemeral-storage': '1Mi'}}}, 'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ')])
def test_limits_of_local_storage(node, name, volume, container, message):
    pod = node.run_pod(name, shell(f'dd if=/dev/zero of=/data/file bs=1M count=2; {FOREVER}', **DATA, **container), volumes=empty_dir(**volume), wait=phase('Failed'))
    assert (pod['status']['reason'], pod['status']['message']) == ('Evicted', message)
    assert not condition(pod, 'DisruptionTarget') and ('Warning', 'Evicted', message) in node.events(name)
    assert node.condition('DiskPressure')['status'] == 'False'


def test_the_pod_that_uses_most_memory_goes(node):
    """What pods may use together is made small: the machine's own memory is not touched."""
    total_kib = int(next(line for line in open('/proc/meminfo') if line.startswith('MemTotal:')).split()[1])
    node.stop_kubelet()
    node.config |= {'evictionHard': {'memory.available': '100Mi'}, 'systemReserved': {'memory': f'{total_kib - 200 * 1024}Ki'}}
    node.start_kubelet()
    asks = {'resources': {'requests': {'memory': '20Mi'}}}
    node.run_pod('modest', shell(FOREVER, **asks), wait=ready)
    pod = node.run_pod('greedy', shell('dd if=/dev/zero of=/dev/null bs=130M'), wait=phase('Failed'))
    message = pod['status']['message']
    assert pod['status']['reason'] == 'Evicted' and message.startswith('The node was low on resource: memory. Threshold quantity: 100Mi, available: ')
    assert 'Container main was using ' in message and message.endswith(', request is 0, has larger consumption of memory. ')
    assert (node.condition('MemoryPressure')['status'], node.condition('MemoryPressure')['reason']) == ('True', 'KubeletHasInsufficientMemory')
    refused = node.run_pod('besteffort', shell(FOREVER), wait=phase('Failed'))
    assert (refused['status']['reason'], refused['status']['message']) == ('Evicted', 'Pod was rejected: The node had condition: [MemoryPressure]. ')
    assert ready(node.run_pod('burstable', shell(FOREVER, **asks), wait=ready)) and ready(node.pod('modest'))
    await_true('the pressure is over', lambda: node.condition('MemoryPressure')['status'] == 'False', timeout_s=HOLD_S + 20)
