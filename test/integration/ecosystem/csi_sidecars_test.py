"""The sidecars of CSI drivers from their own modules (external-provisioner, -attacher, -resizer, -snapshotter and its controller) beside a driver that
needs attaching: provision, attach, mount, block, expand, clone, snapshot, restore, inline."""
import json
import re

import pytest
from conftest import program
from support.csi import driver_program
from support.go_module import module_folder
from support.nodes import await_true
from support.program_image import push_program

NAME = 'ebs.csi.aws.com'     # the driver is the tests' own; the class is one that users have
MODULES = {'csi-provisioner': 'github.com/kubernetes-csi/external-provisioner/v6', 'csi-attacher': 'github.com/kubernetes-csi/external-attacher/v4',
           'csi-resizer': 'github.com/kubernetes-csi/external-resizer/v2', 'csi-snapshotter': 'github.com/kubernetes-csi/external-snapshotter/v8'}
RBAC = {'csi-provisioner': 'deploy/kubernetes/rbac.yaml', 'csi-attacher': 'deploy/kubernetes/rbac.yaml', 'csi-resizer': 'deploy/kubernetes/rbac.yaml',
        'csi-snapshotter': 'deploy/kubernetes/csi-snapshotter/rbac-csi-snapshotter.yaml'}
SIDECARS = {'csi-provisioner': ['--extra-create-metadata'], 'csi-attacher': [], 'csi-resizer': [], 'csi-snapshotter': []}
NAMESPACE = 'csi-test'
FOREVER = 'trap "exit 0" TERM; while true; do sleep 0.1; done'


def image(name):
    return f'registry.k8s.io/sig-storage/{name}:test'


def driver_pod(node):
    root = f'{node.data}/kubelet'
    mounts = [{'name': 'sockets', 'mountPath': '/csi'}]
    sidecars = [{'name': name, 'image': image(name), 'args': ['--csi-address=/csi/csi.sock', '--v=3', *flags], 'volumeMounts': mounts, 'securityContext': {'runAsUser': 0}}
                for name, flags in SIDECARS.items()]
    main = {'name': 'driver', 'image': image('csi-driver'), 'securityContext': {'privileged': True, 'runAsUser': 0},
            'args': [f'-name={NAME}', '-endpoint=/csi/csi.sock', f'-register=/registration/{NAME}-reg.sock', f'-registered-endpoint={root}/plugins/{NAME}/csi.sock', f'-node-id={node.name}', f'-data={root}/csi-data'],
            'volumeMounts': [*mounts, {'name': 'registration', 'mountPath': '/registration'}, {'name': 'dev', 'mountPath': '/dev'},
                             {'name': 'root', 'mountPath': root, 'mountPropagation': 'Bidirectional'}]}
    volumes = [{'name': name, 'hostPath': {'path': path, 'type': kind}} for name, path, kind in (
        ('sockets', f'{root}/plugins/{NAME}', 'DirectoryOrCreate'), ('registration', f'{root}/plugins_registry', 'Directory'), ('root', root, 'Directory'), ('dev', '/dev', 'Directory'))]
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'csi-driver', 'namespace': 'default'}, 'spec': {
        'selector': {'matchLabels': {'app': 'csi-driver'}}, 'template': {'metadata': {'labels': {'app': 'csi-driver'}}, 'spec': {
            'serviceAccountName': 'csi-driver', 'containers': [main, *sidecars], 'volumes': volumes}}}}


def bound_roles(cluster):
    """The driver's account has every role that the sidecars' own manifests make."""
    cluster.kubectl('-n', 'default', 'create', 'serviceaccount', 'csi-driver')
    for name, module in MODULES.items():
        cluster.kubectl.apply((module_folder('csi-sidecars', module) / RBAC[name]).read_text())
    roles = [r['metadata']['name'] for r in cluster.kubectl.json('get', 'clusterroles')['items'] if re.fullmatch(r'external-\w+-runner', r['metadata']['name'])]
    assert len(roles) == 4, roles
    for role in roles:
        cluster.kubectl('create', 'clusterrolebinding', f'csi-driver-{role}', f'--clusterrole={role}', '--serviceaccount=default:csi-driver')


def snapshot_controller(cluster, folder):
    crds = module_folder('csi-sidecars', 'github.com/kubernetes-csi/external-snapshotter/client/v8') / 'config/crd'
    for path in sorted(crds.glob('snapshot.storage.k8s.io_*.yaml')):
        cluster.kubectl.apply(path.read_text())
    cluster.kubectl.apply((folder / 'deploy/kubernetes/snapshot-controller/rbac-snapshot-controller.yaml').read_text())
    manifest = (folder / 'deploy/kubernetes/snapshot-controller/setup-snapshot-controller.yaml').read_text()
    manifest = re.sub(r'image: \S+', f'image: {image("snapshot-controller")}', manifest).replace('replicas: 2', 'replicas: 1')
    cluster.kubectl.apply(manifest)


@pytest.fixture(scope='module')
def csi(cluster):
    for name in (*SIDECARS, 'snapshot-controller'):
        push_program(cluster.registry, image(name), program(name), at=f'/{name}')
    push_program(cluster.registry, image('csi-driver'), driver_program(), at='/csi-driver')
    bound_roles(cluster)
    snapshot_controller(cluster, module_folder('csi-sidecars', MODULES['csi-snapshotter']))
    node, = cluster.nodes
    cluster.kubectl.apply(driver_pod(node))
    for thing in ({'apiVersion': 'storage.k8s.io/v1', 'kind': 'CSIDriver', 'metadata': {'name': NAME}, 'spec': {'podInfoOnMount': True, 'volumeLifecycleModes': ['Persistent', 'Ephemeral']}},
                  {'apiVersion': 'storage.k8s.io/v1', 'kind': 'StorageClass', 'metadata': {'name': 'fast-ssd'}, 'provisioner': NAME, 'parameters': {'type': 'gp3', 'fsType': 'ext4'},
                   'reclaimPolicy': 'Delete', 'allowVolumeExpansion': True, 'volumeBindingMode': 'WaitForFirstConsumer'},
                  {'apiVersion': 'snapshot.storage.k8s.io/v1', 'kind': 'VolumeSnapshotClass', 'metadata': {'name': 'snapshots'}, 'driver': NAME, 'deletionPolicy': 'Delete'},
                  {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NAMESPACE}}):
        cluster.kubectl.apply(thing)
    cluster.kubectl('-n', 'default', 'rollout', 'status', 'deployment/csi-driver', '--timeout=90s')
    await_true('the driver is registered', lambda: NAME in [d['name'] for d in cluster.kubectl.json('get', 'csinode', node.name)['spec']['drivers']])
    yield cluster
    cluster.kubectl('delete', 'namespace', NAMESPACE)
    await_true('all volumes are gone', lambda: not cluster.kubectl.json('get', 'pv')['items'] and not cluster.kubectl.json('get', 'volumeattachments')['items'], timeout_s=60)


def claim(name, size='1Gi', **spec):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name, 'namespace': NAMESPACE},
            'spec': {'accessModes': ['ReadWriteOnce'], 'storageClassName': 'fast-ssd', 'resources': {'requests': {'storage': size}}, **spec}}


def pod(name, script, volumes, device=False):
    uses = {'volumeDevices': [{'name': v['name'], 'devicePath': f'/dev/{v["name"]}'} for v in volumes]} if device else {'volumeMounts': [{'name': v['name'], 'mountPath': f'/{v["name"]}'} for v in volumes]}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'namespace': NAMESPACE}, 'spec': {'restartPolicy': 'Never', 'terminationGracePeriodSeconds': 1, 'volumes': volumes, 'containers': [
        {'name': 'main', 'image': 'busybox:1.36', 'command': ['sh', '-c', script], **uses}]}}


def output(csi, name, script, volumes, **more):
    csi.kubectl.apply(pod(name, script, volumes, **more))
    await_true(f'{name} ends well', lambda: csi.kubectl.json('-n', NAMESPACE, 'get', 'pod', name)['status']['phase'] == 'Succeeded', timeout_s=60)
    text = csi.kubectl('-n', NAMESPACE, 'logs', name)
    csi.kubectl('-n', NAMESPACE, 'delete', 'pod', name)
    return text


def of_claim(name):
    return [{'name': 'v', 'persistentVolumeClaim': {'claimName': name}}]


def test_a_stateful_set_with_claims(csi):
    template = claim('data')
    del template['metadata']['namespace']
    csi.kubectl.apply({'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'metadata': {'name': 'db', 'namespace': NAMESPACE}, 'spec': {
        'serviceName': 'db', 'replicas': 2, 'selector': {'matchLabels': {'app': 'db'}}, 'volumeClaimTemplates': [template], 'template': {'metadata': {'labels': {'app': 'db'}}, 'spec': {
            'terminationGracePeriodSeconds': 1, 'containers': [{'name': 'db', 'image': 'busybox:1.36', 'command': ['sh', '-c', f'hostname > /data/who; {FOREVER}'], 'volumeMounts': [{'name': 'data', 'mountPath': '/data'}]}]}}}})
    csi.kubectl('-n', NAMESPACE, 'rollout', 'status', 'statefulset/db', '--timeout=90s')
    attached = csi.kubectl.json('get', 'volumeattachments')['items']
    assert len(attached) == 2 and all(a['status']['attached'] and a['spec']['attacher'] == NAME for a in attached)
    node = csi.kubectl.json('get', 'nodes')['items'][0]
    assert len(node['status']['volumesAttached']) == 2 == len(node['status']['volumesInUse'])
    csi.kubectl('-n', NAMESPACE, 'delete', 'pod', 'db-0')
    csi.kubectl('-n', NAMESPACE, 'rollout', 'status', 'statefulset/db', '--timeout=60s')
    assert csi.kubectl('-n', NAMESPACE, 'exec', 'db-0', '--', 'cat', '/data/who') == 'db-0\n'
    csi.kubectl('-n', NAMESPACE, 'delete', 'statefulset', 'db')
    await_true('nothing is attached', lambda: not csi.kubectl.json('get', 'volumeattachments')['items'], timeout_s=60)
    csi.kubectl('-n', NAMESPACE, 'delete', 'pvc', '--all')
    await_true('the volumes go with their claims', lambda: not csi.kubectl.json('get', 'pv')['items'], timeout_s=60)


def test_a_raw_device(csi):
    csi.kubectl.apply(claim('raw', volumeMode='Block'))
    assert output(csi, 'writes', 'printf kept | dd of=/dev/v conv=notrunc 2>/dev/null; sync', of_claim('raw'), device=True) == ''
    assert output(csi, 'reads', 'dd if=/dev/v bs=4 count=1 2>/dev/null', of_claim('raw'), device=True) == 'kept'


def test_clones_and_snapshots(csi):
    csi.kubectl.apply(claim('origin'))
    output(csi, 'fills', 'echo first > /v/data', of_claim('origin'))
    csi.kubectl.apply({'apiVersion': 'snapshot.storage.k8s.io/v1', 'kind': 'VolumeSnapshot', 'metadata': {'name': 'then', 'namespace': NAMESPACE},
                       'spec': {'volumeSnapshotClassName': 'snapshots', 'source': {'persistentVolumeClaimName': 'origin'}}})
    await_true('the snapshot is ready', lambda: csi.kubectl.json('-n', NAMESPACE, 'get', 'volumesnapshot', 'then')['status']['readyToUse'])
    output(csi, 'changes', 'echo second > /v/data', of_claim('origin'))
    csi.kubectl.apply(claim('clone', dataSource={'kind': 'PersistentVolumeClaim', 'name': 'origin'}))
    csi.kubectl.apply(claim('restored', dataSource={'apiGroup': 'snapshot.storage.k8s.io', 'kind': 'VolumeSnapshot', 'name': 'then'}))
    assert output(csi, 'cloned', 'cat /v/data', of_claim('clone')) == 'second\n'
    assert output(csi, 'restored', 'cat /v/data', of_claim('restored')) == 'first\n'
    csi.kubectl('-n', NAMESPACE, 'delete', 'volumesnapshot', 'then')
    await_true('its content goes', lambda: not csi.kubectl.json('get', 'volumesnapshotcontents')['items'])


def test_expansion_while_it_is_mounted(csi):
    csi.kubectl.apply(claim('grows'))
    csi.kubectl.apply(pod('holds', FOREVER, of_claim('grows')))
    await_true('it runs', lambda: csi.kubectl.json('-n', NAMESPACE, 'get', 'pod', 'holds')['status']['phase'] == 'Running', timeout_s=60)
    csi.kubectl('-n', NAMESPACE, 'patch', 'pvc', 'grows', '-p', json.dumps({'spec': {'resources': {'requests': {'storage': '3Gi'}}}}))

    def grown():
        status = csi.kubectl.json('-n', NAMESPACE, 'get', 'pvc', 'grows')['status']
        return status['capacity']['storage'] == '3Gi' and not status.get('conditions') and not status.get('allocatedResourceStatuses')
    await_true('the claim has grown', grown, timeout_s=150)
    reasons = {e['reason'] for e in csi.kubectl.json('-n', NAMESPACE, 'get', 'events')['items']}
    assert {'FileSystemResizeSuccessful', 'Resizing', 'FileSystemResizeRequired'} <= reasons
    csi.kubectl('-n', NAMESPACE, 'delete', 'pod', 'holds')


def test_volumes_that_live_with_their_pod(csi):
    inline = [{'name': 'v', 'csi': {'driver': NAME}}]
    assert output(csi, 'inline', 'echo x > /v/f && cat /v/f', inline) == 'x\n'
    spec = claim('unused')['spec']
    assert output(csi, 'ephemeral', 'echo y > /v/f && cat /v/f', [{'name': 'v', 'ephemeral': {'volumeClaimTemplate': {'spec': spec}}}]) == 'y\n'
    await_true('its claim goes with it', lambda: 'ephemeral-v' not in csi.kubectl('-n', NAMESPACE, 'get', 'pvc', '-o', 'name'))
