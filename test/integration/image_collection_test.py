"""Images that nobody uses, and containers that have ended: when the kubelet removes them."""
import os

import pytest
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

FOREVER = 'trap "exit 0" TERM; while true; do sleep 0.1; done'
CRITICAL = {'priorityClassName': 'system-node-critical'}


def ready(pod):
    return pod is not None and any(c['type'] == 'Ready' and c['status'] == 'True' for c in pod['status'].get('conditions', []))


def phase(name):
    return lambda pod: pod and pod['status']['phase'] == name


def shell(script, **more):
    return {'command': ['sh', '-c', script], **more}


def images(node):
    return {line for line in node.ctr('images', 'list', '-q') if ':' in line and '@' not in line and not line.startswith('sha256:')}


def named(node, part):
    return [i for i in images(node) if part in i]


@pytest.fixture(scope='module')
def node():
    """A node whose images' disk counts as full at once."""
    config = {'evictionHard': {'pid.available': '1'}, 'imageGCHighThresholdPercent': 1, 'imageGCLowThresholdPercent': 0, 'imageMinimumGCAge': '1s', 'nodeStatusUpdateFrequency': '1s'}
    with own_network(), KubeletNode(config=config) as n:
        yield n


def test_unused_images_go_when_their_disk_is_full(node):
    node.run_pod('stays', shell(FOREVER), wait=ready)
    node.run_pod('brief', {'image': 'nginx:1.27'}, wait=ready)
    node.server.kubectl('delete', 'pod', 'brief', '--wait=false')
    node.wait('brief', lambda p: p is None)
    assert named(node, 'nginx') and named(node, 'busybox') and named(node, 'pause')
    node.stop_kubelet()
    node.start_kubelet()   # upstream's too looks at the images at once, then every five minutes
    await_true('the unused image goes', lambda: not named(node, 'nginx'), timeout_s=30)
    assert named(node, 'busybox') and named(node, 'pause')
    await_true('the node says that images were not enough', lambda: {r for _, r, _ in node.events('node')} >= {'FreeDiskSpaceFailed', 'ImageGCFailed'}, timeout_s=20)
    assert next(m for _, r, m in node.events('node') if r == 'FreeDiskSpaceFailed').startswith("Insufficient free disk space on the node's image filesystem (")
    assert ready(node.pod('stays'))


def test_a_node_short_of_disk_removes_images_and_dead_containers_first(node):
    node.server.kubectl('delete', 'pod', 'stays', '--wait=false')
    node.wait('stays', lambda p: p is None)
    node.run_pod('guard', shell(FOREVER), **CRITICAL, wait=ready)
    done = node.run_pod('done', {'image': 'nginx:1.27', 'command': ['true']}, restartPolicy='Never', wait=phase('Succeeded'))
    container = done['status']['containerStatuses'][0]['containerID'].removeprefix('containerd://')
    assert container in node.ctr('containers', 'list', '-q')
    node.stop_kubelet()
    node.config |= {'evictionHard': {'imagefs.available': '99.9%'}, 'imageGCHighThresholdPercent': 100}
    node.start_kubelet()
    await_true('the dead container goes', lambda: container not in node.ctr('containers', 'list', '-q'), timeout_s=30)
    await_true('and its image', lambda: not named(node, 'nginx'), timeout_s=30)
    await_true('the node is under pressure', lambda: node.condition('DiskPressure')['status'] == 'True')
    assert ('Warning', 'EvictionThresholdMet', 'Attempting to reclaim ephemeral-storage') in node.events('node')
    assert node.pod('done')['status'] == done['status'] and ready(node.pod('guard')) and named(node, 'busybox') and named(node, 'pause')
