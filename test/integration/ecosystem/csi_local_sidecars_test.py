"""`pintle csi-local` as a driver among others: run by itself, with the published sidecars instead of what `pintle server` has in the box."""
import json

import pytest
from conftest import program
from csi_sidecars_test import (FOREVER, MODULES, NAMESPACE, SIDECARS, bound_roles, claim, image, of_claim, output, pod, snapshot_controller, test_a_raw_device,  # noqa: F401
                               test_clones_and_snapshots)
from support.cluster import Process, pintle_binary
from support.go_module import module_folder
from support.nodes import NodeCluster, await_true
from support.program_image import push_program
from support.registry import Registry, build_images

NAME = 'local.csi.pintle.dev'
# One for each node, as its volumes are.
FLAGS = {'csi-provisioner': ['--node-deployment', '--feature-gates=Topology=true', '--strict-topology', '--immediate-topology=false', '--enable-capacity', '--capacity-ownerref-level=-1', '--capacity-poll-interval=5s'],
         'csi-attacher': [], 'csi-resizer': [], 'csi-snapshotter': []}


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    registry = Registry(tmp_path_factory.mktemp('registry'), '10.97.3.1:5000')
    try:
        with NodeCluster(registry=registry.url, subnet='10.97.3.0/24', flags=['--disable=local-storage'], before_start=lambda: registry.start().push()) as c:
            c.registry = registry
            yield c
    finally:
        registry.stop()


def sidecars_pod(folder):
    env = [{'name': name, 'valueFrom': {'fieldRef': {'fieldPath': path}}} for name, path in (('NODE_NAME', 'spec.nodeName'), ('NAMESPACE', 'metadata.namespace'), ('POD_NAME', 'metadata.name'))]
    containers = [{'name': name, 'image': image(name), 'args': ['--csi-address=/csi/csi.sock', '--v=3', *flags], 'env': env, 'securityContext': {'runAsUser': 0}, 'volumeMounts': [{'name': 'sockets', 'mountPath': '/csi'}]} for name, flags in FLAGS.items()]
    return {'apiVersion': 'apps/v1', 'kind': 'DaemonSet', 'metadata': {'name': 'sidecars', 'namespace': 'default'}, 'spec': {
        'selector': {'matchLabels': {'app': 'sidecars'}}, 'template': {'metadata': {'labels': {'app': 'sidecars'}}, 'spec': {
            'serviceAccountName': 'csi-driver', 'containers': containers, 'volumes': [{'name': 'sockets', 'hostPath': {'path': str(folder), 'type': 'Directory'}}]}}}}


@pytest.fixture(scope='module')
def csi(cluster):
    node = cluster.server
    for name in (*SIDECARS, 'snapshot-controller'):
        push_program(cluster.registry, image(name), program(name), at=f'/{name}')
    bound_roles(cluster)
    snapshot_controller(cluster, module_folder('csi-sidecars', MODULES['csi-snapshotter']))
    cluster.kubectl('-n', 'default', 'create', 'rolebinding', 'csi-driver-capacity', '--role=external-provisioner-cfg', '--serviceaccount=default:csi-driver')
    sockets = node.data / 'kubelet/plugins/local'
    sockets.mkdir(parents=True)
    storage = node.folder / 'storage'
    driver = Process(node.command(pintle_binary(), 'csi-local', f'--endpoint={sockets}/csi.sock', f'--registration-socket={node.data}/kubelet/plugins_registry/local-reg.sock', f'--node-name={node.name}', f'--path=default={storage}'),
                     node.folder / 'driver.log')
    try:
        for thing in ({'apiVersion': 'storage.k8s.io/v1', 'kind': 'CSIDriver', 'metadata': {'name': NAME}, 'spec': {'attachRequired': True, 'storageCapacity': True, 'fsGroupPolicy': 'File'}},
                      {'apiVersion': 'storage.k8s.io/v1', 'kind': 'StorageClass', 'metadata': {'name': 'fast-ssd'}, 'provisioner': NAME, 'allowVolumeExpansion': True, 'volumeBindingMode': 'WaitForFirstConsumer'},
                      {'apiVersion': 'snapshot.storage.k8s.io/v1', 'kind': 'VolumeSnapshotClass', 'metadata': {'name': 'snapshots'}, 'driver': NAME, 'deletionPolicy': 'Delete'},
                      {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NAMESPACE}}, sidecars_pod(sockets)):
            cluster.kubectl.apply(thing)
        cluster.kubectl('-n', 'default', 'rollout', 'status', 'daemonset/sidecars', '--timeout=90s')
        await_true('the driver is registered', lambda: NAME in [d['name'] for d in cluster.kubectl.json('get', 'csinode', node.name)['spec']['drivers']])
        await_true('its room is known', lambda: [c for c in cluster.kubectl.json('-n', 'default', 'get', 'csistoragecapacities')['items'] if c['storageClassName'] == 'fast-ssd' and c.get('capacity')])
        yield cluster
        cluster.kubectl('delete', 'namespace', NAMESPACE)
        await_true('all volumes are gone', lambda: not cluster.kubectl.json('get', 'pv')['items'] and not list(storage.glob('volumes/*')) + list(storage.glob('snapshots/*')), timeout_s=60)
    finally:
        driver.stop()


def test_a_stateful_set_with_claims(csi):
    template = claim('data', '64Mi')
    del template['metadata']['namespace']
    csi.kubectl.apply({'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'metadata': {'name': 'db', 'namespace': NAMESPACE}, 'spec': {
        'serviceName': 'db', 'replicas': 2, 'selector': {'matchLabels': {'app': 'db'}}, 'volumeClaimTemplates': [template], 'template': {'metadata': {'labels': {'app': 'db'}}, 'spec': {
            'terminationGracePeriodSeconds': 1, 'containers': [{'name': 'db', 'image': 'busybox:1.36', 'command': ['sh', '-c', f'hostname >> /data/who; {FOREVER}'], 'volumeMounts': [{'name': 'data', 'mountPath': '/data'}]}]}}}})
    csi.kubectl('-n', NAMESPACE, 'rollout', 'status', 'statefulset/db', '--timeout=90s')
    attached = csi.kubectl.json('get', 'volumeattachments')['items']
    assert len(attached) == 2 and all(a['status']['attached'] and a['spec']['attacher'] == NAME for a in attached)
    csi.kubectl('-n', NAMESPACE, 'delete', 'pod', 'db-0')
    csi.kubectl('-n', NAMESPACE, 'rollout', 'status', 'statefulset/db', '--timeout=60s')
    assert csi.kubectl('-n', NAMESPACE, 'exec', 'db-0', '--', 'cat', '/data/who') == 'db-0\ndb-0\n'
    csi.kubectl('-n', NAMESPACE, 'delete', 'statefulset', 'db')
    csi.kubectl('-n', NAMESPACE, 'delete', 'pvc', '--all')
    await_true('the volumes go with their claims', lambda: not csi.kubectl.json('get', 'pv')['items'], timeout_s=60)


def test_expansion_by_the_resizer(csi):
    csi.kubectl.apply(claim('grows', '64Mi'))
    small = output(csi, 'before', 'df -k /v | tail -1', of_claim('grows'))
    csi.kubectl('-n', NAMESPACE, 'patch', 'pvc', 'grows', '-p', json.dumps({'spec': {'resources': {'requests': {'storage': '256Mi'}}}}))
    await_true('the node has the rest to do', lambda: 'FileSystemResizePending' in [c['type'] for c in csi.kubectl.json('-n', NAMESPACE, 'get', 'pvc', 'grows')['status'].get('conditions', [])])
    large = output(csi, 'after', 'df -k /v | tail -1', of_claim('grows'))
    assert int(large.split()[1]) > 3 * int(small.split()[1]), (small, large)
    await_true('the claim has grown', lambda: csi.kubectl.json('-n', NAMESPACE, 'get', 'pvc', 'grows')['status']['capacity']['storage'] == '256Mi')


def test_a_claim_that_lives_with_its_pod(csi):
    spec = claim('unused', '64Mi')['spec']
    assert output(csi, 'ephemeral', 'echo y > /v/f && cat /v/f', [{'name': 'v', 'ephemeral': {'volumeClaimTemplate': {'spec': spec}}}]) == 'y\n'
    await_true('its claim goes with it', lambda: 'ephemeral-v' not in csi.kubectl('-n', NAMESPACE, 'get', 'pvc', '-o', 'name'))


def test_what_there_is_no_room_for(csi):
    csi.kubectl.apply(claim('huge', '100Ti'))
    csi.kubectl.apply(pod('huge', FOREVER, of_claim('huge')))
    await_true('the scheduler says so', lambda: 'did not have enough free storage' in csi.kubectl('-n', NAMESPACE, 'get', 'events', '--field-selector=involvedObject.name=huge'), timeout_s=30)
    csi.kubectl('-n', NAMESPACE, 'delete', 'pod', 'huge')
