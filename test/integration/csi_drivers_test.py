"""CSI drivers register with the kubelet, by the published Go interfaces: the CSINode, the Node's labels and annotation, going and coming
back, the kubelet's restart, refusals; and upstream's kubelet beside ours."""
import json
import os
import pathlib
import socket
import subprocess

import pytest
from kubelet_swap_test import start_upstream
from support.csi import driver, sanity_program
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true
from support.peers import lacking

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

IDS = 'csi.volume.kubernetes.io/nodeid'
MIGRATED = 'storage.alpha.kubernetes.io/migrated-plugins'


@pytest.fixture(scope='module')
def node():
    with own_network(), KubeletNode('n1', config={'cgroupDriver': 'cgroupfs'}) as made:
        yield made


def csi_node(node):
    done = node.server.kubectl('get', 'csinode', 'n1', '-o', 'json', check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def drivers(node):
    it = csi_node(node)
    return {d['name']: d for d in it['spec']['drivers'] or []} if it else None


def ids(node):
    return json.loads(node.node()['metadata']['annotations'].get(IDS, '{}'))


def test_every_node_has_its_csi_node(node):
    it = await_true('the CSINode', lambda: csi_node(node))
    of = node.node()['metadata']
    assert it['metadata']['ownerReferences'] == [{'apiVersion': 'v1', 'kind': 'Node', 'name': 'n1', 'uid': of['uid']}]
    assert it['metadata']['annotations'][MIGRATED].split(',') == [f'kubernetes.io/{name}' for name in (
        'aws-ebs', 'azure-disk', 'azure-file', 'cinder', 'gce-pd', 'portworx-volume', 'vsphere-volume')]
    assert not it['spec']['drivers'] and IDS not in of['annotations']


def test_a_driver_comes_goes_and_comes_back(node):
    with driver(node, 'a.csi.test', '-node-id=id-1', '-max-volumes=7', '-topology=topology.csi.test/zone=z1') as a:
        await_true('its registration', lambda: a.said('registered true'))
        assert drivers(node) == {'a.csi.test': {'name': 'a.csi.test', 'nodeID': 'id-1', 'topologyKeys': ['topology.csi.test/zone'], 'allocatable': {'count': 7}}}
        assert ids(node) == {'a.csi.test': 'id-1'} and node.node()['metadata']['labels']['topology.csi.test/zone'] == 'z1'
        with driver(node, 'b.csi.test', '-node-id=id-b') as b:
            await_true('a second one', lambda: b.said('registered true'))
            assert ids(node) == {'a.csi.test': 'id-1', 'b.csi.test': 'id-b'}
        await_true('the second one goes', lambda: list(drivers(node)) == ['a.csi.test'] and ids(node) == {'a.csi.test': 'id-1'})
    await_true('nothing is left', lambda: drivers(node) == {} and ids(node) == {})
    # It comes back with another id, and cannot say so at first.
    with driver(node, 'a.csi.test', '-node-id=id-2', '-fail-info=2') as a:
        await_true('its registration', lambda: a.said('registered true'), timeout_s=20)
        assert a.said('registered false RegisterPlugin error -- plugin registration failed with err: rpc error: code = Internal desc = not yet') == 2
        assert drivers(node)['a.csi.test'] == {'name': 'a.csi.test', 'nodeID': 'id-2', 'topologyKeys': None} and ids(node) == {'a.csi.test': 'id-2'}


def test_the_kubelet_starts_anew(node):
    with driver(node, 'a.csi.test', '-node-id=id-1') as a:
        await_true('its registration', lambda: a.said('registered true'))
        assert node.stop_kubelet() == 0
        assert list(drivers(node)) == ['a.csi.test']
        with driver(node, 'b.csi.test') as b:     # comes while nobody looks
            node.start_kubelet()
            await_true('both are found', lambda: a.said('registered true') == 2 and b.said('registered true') == 1, timeout_s=20)
            assert sorted(drivers(node)) == ['a.csi.test', 'b.csi.test']


def test_the_node_is_made_anew(node):
    with driver(node, 'a.csi.test', '-topology=topology.csi.test/rack=r1') as a:
        await_true('its registration', lambda: a.said('registered true'))
        old = node.node()['metadata']['uid']
        node.server.kubectl('delete', 'node', 'n1')
        assert node.stop_kubelet() == 0
        node.start_kubelet()

        def anew():
            it = csi_node(node)
            return it and it['metadata']['ownerReferences'][0]['uid'] != old and list(drivers(node)) == ['a.csi.test']
        await_true('its CSINode is another', anew, timeout_s=20)
        assert node.node()['metadata']['labels']['topology.csi.test/rack'] == 'r1' and ids(node) == {'a.csi.test': 'node'}


def test_a_limit_that_changes(node):
    limit = node.folder / 'limit'
    limit.write_text('5')
    node.server.kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': 'storage.k8s.io/v1', 'kind': 'CSIDriver', 'metadata': {'name': 'a.csi.test'},
                                                               'spec': {'attachRequired': False, 'nodeAllocatableUpdatePeriodSeconds': 10}}))
    with driver(node, 'a.csi.test', f'-max-volumes-file={limit}') as a:
        await_true('its registration', lambda: a.said('registered true'))
        assert drivers(node)['a.csi.test']['allocatable'] == {'count': 5}
        limit.write_text('4')
        await_true('the new limit', lambda: drivers(node)['a.csi.test']['allocatable'] == {'count': 4}, timeout_s=20)
        assert a.said('NodeGetInfo') == 2
    node.server.kubectl('delete', 'csidriver', 'a.csi.test')


def test_refusals(node):
    with driver(node, 'a.csi.test') as a, driver(node, 'old.csi.test', '-version=0.3.0') as old, driver(node, '../evil', folder_name='evil') as evil:
        await_true('the good one', lambda: a.said('registered true'))
        await_true('one too old', lambda: old.said('registered false RegisterPlugin error -- plugin validation failed with err: validation failed for CSI Driver old.csi.test'))
        await_true('a name that is a path', lambda: evil.said('registered false'))
        with driver(node, 'a.csi.test', folder_name='twin') as twin:
            await_true('a second of the name', lambda: twin.said('registered false'))
            assert 'is already registered' in twin.log.read_text()
            a.stop()
            await_true('then it has the name', lambda: twin.said('registered true'), timeout_s=20)
        assert not old.said('NodeGetInfo') and not evil.said('NodeGetInfo')


@pytest.mark.skipif(lacking('kubelet') is not None, reason=str(lacking('kubelet')))
def test_upstreams_kubelet_writes_the_same(node):
    def told():
        it, of = csi_node(node), node.node()['metadata']
        it['metadata'] = {key: it['metadata'][key] for key in ('name', 'annotations', 'ownerReferences')}
        return it, of['annotations'][IDS], {k: v for k, v in of['labels'].items() if 'csi.test' in k}
    flags = ('-node-id=id-1', '-max-volumes=7', '-topology=topology.csi.test/shelf=s1')
    with driver(node, 'a.csi.test', *flags) as a:
        await_true('its registration with ours', lambda: a.said('registered true'))
        ours = told()
    await_true('it is gone', lambda: drivers(node) == {})
    assert node.stop_kubelet() == 0
    node.server.kubectl('delete', 'csinode', 'n1')
    node.server.kubectl('label', 'node', 'n1', 'topology.csi.test/shelf-')
    start_upstream(node)
    try:
        with driver(node, 'a.csi.test', *flags) as a:
            await_true('its registration with upstream', lambda: a.said('registered true'), timeout_s=60)
            theirs = told()
            assert ours == theirs
            # Ours takes over from upstream's what is there already.
            before = csi_node(node)['metadata']['resourceVersion']
            assert node.stop_kubelet() is not None
            node.start_kubelet()
            await_true('its registration with ours again', lambda: a.said('registered true') == 2, timeout_s=20)
            assert csi_node(node)['metadata']['resourceVersion'] == before
    finally:
        node.stop_kubelet()
        node.start_kubelet()


def test_the_driver_keeps_to_the_interface(node):
    """csi-sanity, unmodified: what the other tests stand on is a driver as drivers are."""
    with driver(node, 's.csi.test', '-max-volumes=5') as s:
        done = subprocess.run([sanity_program(), f'--csi.endpoint={s.endpoint}', f'--csi.mountdir={node.folder}/sanity-target', f'--csi.stagingdir={node.folder}/sanity-staging',
                               '--ginkgo.no-color'], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and ' 0 Failed' in done.stdout, done.stdout[-4000:]


def test_pathological_sockets(node):
    """What is no plugin holds nobody else."""
    folder = node.folder / 'kubelet/plugins_registry'
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(folder / '0-silent.sock'))
    silent.listen(1)
    os.symlink('/run/nowhere.sock', folder / '1-link.sock')
    (folder / '2-file.sock').write_text('no socket')
    with driver(node, 'a.csi.test') as a:
        await_true('the good one', lambda: a.said('registered true'))
    silent.close()
    for path in pathlib.Path(folder).iterdir():
        path.unlink()
    await_true('nothing is left', lambda: drivers(node) == {})
