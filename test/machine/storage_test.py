"""Volumes that the tests' own machines cannot have: NFS, a disk formatted as XFS, a local volume that grows while it is mounted."""
import json

import pytest

from conftest import IMAGE
from support.nodes import Kubectl, await_true

# As users write it.
NFS_VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pv-nfs-1
spec:
  capacity:
    storage: 50Gi
  accessModes:
    - ReadWriteMany
  persistentVolumeReclaimPolicy: Retain
  nfs:
    server: 10.0.0.25
    path: /exports/data
  storageClassName: slow-nfs
"""


@pytest.fixture(scope='module')
def kubectl(machine):
    out = Kubectl(machine.serve('--disable=dns,metrics-server'))
    await_true('the node is ready', lambda: 'True' in out('get', 'nodes', '-o', 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'), 240, 1)
    return out


def claim(name, size, modes, **spec):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name}, 'spec': {'accessModes': modes, 'resources': {'requests': {'storage': size}}, **spec}}


def pod(name, claim_name, script='sleep 3600', **source):
    volume = {'name': 'v', 'persistentVolumeClaim': {'claimName': claim_name, **source}} if claim_name else {'name': 'v', **source}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {'terminationGracePeriodSeconds': 0, 'restartPolicy': 'Never', 'volumes': [volume], 'containers': [
        {'name': 'main', 'image': IMAGE, 'command': ['sh', '-c', script], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}]}}


def phase(kubectl, name):
    return kubectl('get', 'pod', name, '-o', 'jsonpath={.status.phase}')


def run(kubectl, name, claim_name, script, **source):
    kubectl.apply(pod(name, claim_name, script, **source))
    await_true(f'{name} has ended', lambda: phase(kubectl, name) in ('Succeeded', 'Failed'), 180, 1)
    text = kubectl('logs', name)
    kubectl('delete', 'pod', name)
    return text


def test_nfs(machine, kubectl):
    machine.run('ip address add 10.0.0.25/32 dev lo && mkdir -p /exports/data && chmod 0777 /exports/data && echo "/exports/data *(rw,no_root_squash,no_subtree_check,insecure)" > /etc/exports && systemctl start nfs-server && exportfs -ra', 240)
    kubectl.apply(NFS_VOLUME)
    kubectl.apply(claim('shared', '50Gi', ['ReadWriteMany'], storageClassName='slow-nfs'))
    kubectl.apply(pod('writer', 'shared', 'echo from the first > /v/first; sleep 3600'))
    await_true('it runs', lambda: phase(kubectl, 'writer') == 'Running', 240, 1)
    await_true('it has written', lambda: machine.ask('cat /exports/data/first')[1] == 'from the first\n', 60, 1)
    assert run(kubectl, 'reader', 'shared', 'cat /v/first; echo from the second > /v/second; grep " /v " /proc/mounts | cut -d" " -f1,3') == 'from the first\n10.0.0.25:/exports/data nfs4\n'
    assert kubectl('exec', 'writer', '--', 'cat', '/v/second') == 'from the second\n'
    said = run(kubectl, 'looker', 'shared', 'cat /v/first; touch /v/third 2>&1', readOnly=True)
    assert said == 'from the first\ntouch: /v/third: Read-only file system\n'
    assert run(kubectl, 'inline', None, 'ls /v', nfs={'server': '10.0.0.25', 'path': '/exports/data'}) == 'first\nsecond\n'
    kubectl('delete', 'pod', 'writer')
    await_true('nothing is mounted', lambda: 'nfs' not in machine.run('grep -c " nfs4 " /proc/mounts || true; grep " nfs4 " /proc/mounts || true'), 60, 1)
    kubectl('delete', 'pvc', 'shared')
    await_true('the volume is released', lambda: kubectl('get', 'pv', 'pv-nfs-1', '-o', 'jsonpath={.status.phase}') == 'Released', 60, 1)
    assert machine.run('cat /exports/data/first') == 'from the first\n'


def test_a_disk_is_formatted_as_xfs(machine, kubectl):
    device = machine.run('truncate -s 512M /root/disk && losetup -f --show /root/disk').strip()
    kubectl.apply({'apiVersion': 'v1', 'kind': 'PersistentVolume', 'metadata': {'name': 'disk'}, 'spec': {
        'capacity': {'storage': '512Mi'}, 'accessModes': ['ReadWriteOnce'], 'storageClassName': 'disks', 'persistentVolumeReclaimPolicy': 'Retain', 'local': {'path': device, 'fsType': 'xfs'},
        'nodeAffinity': {'required': {'nodeSelectorTerms': [{'matchExpressions': [{'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': ['machine']}]}]}}}})
    kubectl.apply(claim('disk', '512Mi', ['ReadWriteOnce'], storageClassName='disks', volumeName='disk'))
    assert run(kubectl, 'first', 'disk', 'echo kept > /v/f; grep " /v " /proc/mounts | cut -d" " -f3') == 'xfs\n'
    assert run(kubectl, 'second', 'disk', 'cat /v/f') == 'kept\n', 'a disk that carries data is never formatted'


def test_a_local_volume_grows_while_it_is_mounted(machine, kubectl):
    kubectl.apply(claim('grows', '64Mi', ['ReadWriteOnce']))
    kubectl.apply(pod('holds', 'grows'))
    await_true('it runs', lambda: phase(kubectl, 'holds') == 'Running', 240, 1)

    def blocks():
        return int(kubectl('exec', 'holds', '--', 'df', '-k', '/v').split('\n')[1].split()[1])
    before = blocks()
    kubectl('patch', 'pvc', 'grows', '-p', json.dumps({'spec': {'resources': {'requests': {'storage': '256Mi'}}}}))
    await_true('the claim has grown', lambda: kubectl('get', 'pvc', 'grows', '-o', 'jsonpath={.status.capacity.storage}') == '256Mi', 240, 1)
    assert blocks() > 3 * before
    assert kubectl('get', 'pod', 'holds', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}') == '0'
