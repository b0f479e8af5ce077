"""Upstream's kubelet in the place of ours and back, on the same root directory and runtime: pods go on as they are."""
import os

import pytest
import yaml
from pod_config_test import ready
from support.cluster import Process
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true
from support.peers import PEERS, lacking

UPSTREAM = PEERS / 'kubelet'
pytestmark = [pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}'),
              pytest.mark.skipif(lacking('kubelet') is not None, reason=str(lacking('kubelet')))]


@pytest.fixture(scope='module')
def node():
    with own_network(), KubeletNode(name='swapped', config={'clusterDNS': ['10.96.0.10'], 'clusterDomain': 'cluster.local', 'cgroupDriver': 'cgroupfs', 'authentication': {'anonymous': {'enabled': True}, 'webhook': {'enabled': False}},
                                                            'authorization': {'mode': 'AlwaysAllow'}}) as n:
        yield n


def start_upstream(node):
    """Upstream's kubelet with the configuration that ours had."""
    config = yaml.safe_load((node.folder / 'kubelet.yaml').read_text())
    config |= {'failCgroupV1': False, 'enforceNodeAllocatable': [], 'imageGCHighThresholdPercent': 100, 'evictionHard': {'memory.available': '1Mi'}}
    path = node.folder / 'upstream.yaml'
    path.write_text(yaml.safe_dump(config))
    node.kubelet = Process([str(UPSTREAM), f'--config={path}', f'--kubeconfig={node.server.kubeconfig}', f'--root-dir={node.folder}/kubelet',
                            f'--hostname-override={node.name}', '--node-ip=127.0.0.1'], node.folder / 'upstream.log')


def identity(pod):
    status = pod['status']['containerStatuses'][0]
    return status['containerID'], status['restartCount'], pod['status']['podIP']


def test_pods_go_on(node):
    node.server.kubectl('create', 'configmap', 'shared', '--from-literal=k=1')
    volumes = [{'name': 'c', 'configMap': {'name': 'shared'}}, {'name': 'd', 'downwardAPI': {'items': [{'path': 'labels', 'fieldRef': {'fieldPath': 'metadata.labels'}}]}},
               {'name': 'm', 'emptyDir': {'medium': 'Memory'}}, {'name': 't', 'projected': {'sources': [{'serviceAccountToken': {'path': 'token'}}]}}]
    main = {'command': ['sh', '-c', 'echo kept > /m/state; while true; do cat /c/k /m/state; echo; sleep 0.5; done'], 'volumeMounts': [{'name': v['name'], 'mountPath': '/' + v['name']} for v in volumes],
            'resources': {'requests': {'cpu': '10m'}, 'limits': {'memory': '64Mi'}}, 'ports': [{'containerPort': 80}]}
    ours = node.run_pod('stays', main, volumes=volumes, wait=ready)
    assert node.stop_kubelet() == 0
    start_upstream(node)
    theirs = node.run_pod('theirs', main, volumes=volumes, wait=ready)
    node.server.kubectl('label', 'pod', 'stays', 'seen=upstream')
    labels = node.folder / 'kubelet/pods' / ours['metadata']['uid'] / 'volumes/kubernetes.io~downward-api/d/labels'
    await_true('upstream keeps our volume up to date', lambda: 'seen="upstream"' in labels.read_text(), timeout_s=150)
    assert identity(node.pod('stays')) == identity(ours), node.events('stays')
    assert node.stop_kubelet() is not None
    node.start_kubelet()
    node.server.kubectl('patch', 'configmap', 'shared', '-p', '{"data":{"k":"2"}}')
    await_true('we keep theirs up to date', lambda: node.logs(theirs).endswith('2kept\n\n'), timeout_s=15)
    assert identity(node.pod('stays')) == identity(ours), node.events('stays')
    assert identity(node.pod('theirs')) == identity(theirs), node.events('theirs')
    node.server.kubectl('delete', 'pods', 'stays', 'theirs', '--wait=false')
    for name in ('stays', 'theirs'):
        node.wait(name, lambda pod: pod is None)
    await_true('nothing of the pods is left on disk', lambda: not list((node.folder / 'kubelet/pods').iterdir()))
