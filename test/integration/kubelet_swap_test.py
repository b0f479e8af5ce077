"""Upstream's kubelet in the place of ours and back, on the same root directory and runtime: pods go on as they are."""
import os
import shutil
import subprocess

import pytest
import yaml
from csi_volumes_test import MOUNT, bind, claimed, described, left, running, stage_of
from pod_config_test import FOREVER, bound_volume, ready
from support.cluster import Process
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true
from support.peers import PEERS, lacking
from volumes_test import backing, disk, mounts

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


@pytest.mark.skipif(not shutil.which('mkfs.ext4') or not shutil.which('losetup'), reason='needs losetup and mkfs.ext4')
def test_mounted_disks_change_hands(node):
    """A disk that two pods share and a raw device: made by either kubelet, taken over and undone by the other."""
    with disk(node, 'files') as files, disk(node, 'raw') as raw:
        bound_volume(node, 'files', local={'path': files})
        bound_volume(node, 'raw', local={'path': raw}, volumeMode='Block')
        volumes = [{'name': name, 'persistentVolumeClaim': {'claimName': name}} for name in ('files', 'raw')]
        main = {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'files', 'mountPath': '/v'}], 'volumeDevices': [{'name': 'raw', 'devicePath': '/dev/xvda'}]}
        ours = node.run_pod('disks-ours', main, volumes=volumes, wait=ready)
        assert len(mounts(node)) == 3
        assert node.stop_kubelet() == 0
        start_upstream(node)
        theirs = node.run_pod('disks-theirs', main, volumes=volumes, wait=ready)
        assert len(mounts(node)) == 5 and len(set(mounts(node))) == 5, 'nothing is mounted twice'
        assert identity(node.pod('disks-ours')) == identity(ours), node.events('disks-ours')
        node.server.kubectl('delete', 'pod', 'disks-ours', '--wait=false')
        await_true('upstream undoes what we made', lambda: node.pod('disks-ours') is None and len(mounts(node)) == 3, timeout_s=60)
        assert node.stop_kubelet() is not None
        node.start_kubelet()
        await_true('we know the pod', lambda: node.condition('Ready')['status'] == 'True', timeout_s=20)
        assert identity(node.pod('disks-theirs')) == identity(theirs), node.events('disks-theirs')
        assert len(mounts(node)) == 3
        node.server.kubectl('delete', 'pod', 'disks-theirs', '--wait=false')
        node.wait('disks-theirs', lambda p: p is None)
        await_true('we undo what upstream made', lambda: mounts(node) == [], timeout_s=15)
        for device in (files, raw):
            subprocess.run(['losetup', '-d', device], check=True)
            assert backing(device) == '', 'nobody holds the device'
        assert str(node.folder) not in subprocess.run(['losetup', '-a'], capture_output=True, text=True).stdout


INLINE = {'name': 'inline', 'csi': {'driver': 'disk.csi.test', 'volumeAttributes': {'a': 'b'}}}
IN_POD = ['Ephemeral', 'Persistent']


def test_mounted_csi_volumes_change_hands(node):
    """A file system that two pods share, a raw device and one that stands in the pod: made by either kubelet, taken over and undone by the other."""
    with described(node, attachRequired=False, volumeLifecycleModes=IN_POD, podInfoOnMount=True), running(node) as disk:
        bind(node, 'files-csi')
        bind(node, 'raw-csi', {'volumeMode': 'Block'})
        volumes = [{'name': 'files', 'persistentVolumeClaim': {'claimName': 'files-csi'}}, {'name': 'raw', 'persistentVolumeClaim': {'claimName': 'raw-csi'}}, INLINE]
        main = {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'files', 'mountPath': '/v'}, {'name': 'inline', 'mountPath': '/i'}],
                'volumeDevices': [{'name': 'raw', 'devicePath': '/dev/xvda'}]}
        ours = node.run_pod('csi-ours', main, volumes=volumes, wait=ready)
        assert node.stop_kubelet() == 0
        start_upstream(node)
        theirs = node.run_pod('csi-theirs', main, volumes=volumes, wait=ready)
        assert identity(node.pod('csi-ours')) == identity(ours), node.events('csi-ours')
        places = {r['staging_target_path'] for r in disk.asked('NodeStageVolume')}
        assert str(stage_of(node, 'handle-files-csi') / 'globalmount') in places and len(places) == 2, 'both stage at one place'
        node.server.kubectl('delete', 'pod', 'csi-ours', '--wait=false')
        await_true('upstream undoes what we made', lambda: node.pod('csi-ours') is None and disk.said('NodeUnpublishVolume ok') >= 3, timeout_s=60)
        assert disk.said('NodeUnstageVolume') == 0, 'the other pod has them still'
        assert node.stop_kubelet() is not None
        node.start_kubelet()
        await_true('we know the pod', lambda: node.condition('Ready')['status'] == 'True', timeout_s=20)
        assert identity(node.pod('csi-theirs')) == identity(theirs), node.events('csi-theirs')
        node.server.kubectl('delete', 'pod', 'csi-theirs', '--wait=false')
        node.wait('csi-theirs', lambda p: p is None)
        await_true('we undo what upstream made', lambda: left(node) == [] and disk.said('NodeUnstageVolume ok') == 2, timeout_s=15)


def told_of_broken(node, prefix):
    """What the kubelet that runs tells of pods whose CSI volumes cannot be mounted, by pod."""
    pods = {}

    def run(name, volumes, until):
        pod = f'{prefix}-{name}'
        node.run_pod(pod, MOUNT, volumes=volumes)
        found = await_true(f'the event of {pod}', lambda: sorted({(t, r, m) for t, r, m in node.events(pod) if until in m}), timeout_s=150)
        node.server.kubectl('delete', 'pod', pod, '--wait=false')
        node.wait(pod, lambda p: p is None)
        pods[name] = found[0]

    inline = [{**INLINE, 'name': 'v'}]
    with described(node, attachRequired=False):
        run('absent', claimed('broken'), 'failed for volume')
        with running(node) as disk:
            run('modes', inline, 'failed for volume')
            with disk.ordered('NodeStageVolume 13'):
                run('stage', claimed('broken'), 'failed for volume')
            with disk.ordered('NodePublishVolume 9'):
                run('publish', claimed('broken'), 'failed for volume')
    with running(node):
        run('undescribed', inline, 'failed for volume')
    await_true('it is registered no more', lambda: 'disk.csi.test' not in node.server.kubectl('get', 'csinode', node.name, '-o', 'yaml'), timeout_s=60)
    with described(node, attachRequired=False, volumeLifecycleModes=IN_POD):
        run('inline-absent', inline, 'failed for volume')
    return pods


def test_what_is_told_of_broken_volumes(node):
    bind(node, 'broken')
    ours = told_of_broken(node, 'ours')
    assert node.stop_kubelet() == 0
    start_upstream(node)
    try:
        theirs = told_of_broken(node, 'theirs')
    finally:
        node.stop_kubelet()
        node.start_kubelet()
    for name, said in ours.items():
        assert said == theirs[name]
