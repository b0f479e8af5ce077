"""CSI volumes of pods: `pintle kubelet` on a real containerd with a driver on the published Go interfaces. Nothing attaches here but the test."""
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import subprocess

import pytest
from pod_config_test import FOREVER, bound_volume, output_of, ready, succeeded
from support.csi import driver
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

NAME = 'disk.csi.test'


@pytest.fixture(scope='module')
def node():
    with own_network(), KubeletNode('n1', config={'cgroupDriver': 'cgroupfs'}) as made:
        yield made


def create(node, kind, name, api='storage.k8s.io/v1', namespace=None, **body):
    metadata = {'name': name, **({'namespace': namespace} if namespace else {})}
    node.server.kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': api, 'kind': kind, 'metadata': metadata, **body}))


@contextlib.contextmanager
def described(node, name=NAME, **spec):
    """A CSIDriver."""
    create(node, 'CSIDriver', name, spec=spec)
    try:
        yield
    finally:
        node.server.kubectl('delete', 'csidriver', name)


@contextlib.contextmanager
def running(node, *flags, name=NAME):
    with driver(node, name, *flags) as made:
        await_true('its registration', lambda: made.said('registered true'))
        yield made


def claimed(name, read_only=False):
    return [{'name': 'v', 'persistentVolumeClaim': {'claimName': name, 'readOnly': read_only}}]


def bind(node, name, spec=None, **source):
    bound_volume(node, name, csi={'driver': NAME, 'volumeHandle': f'handle-{name}', **source}, **(spec or {}))


MOUNT = {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}
DEVICE = {'command': ['sh', '-c', FOREVER], 'volumeDevices': [{'name': 'v', 'devicePath': '/dev/xvda'}]}


def gone(node, *names):
    node.server.kubectl('delete', 'pod', *names, '--wait=false')
    for name in names:
        node.wait(name, lambda p: p is None)


def told(node, pod, reason, words):
    return lambda: any(r == reason and words in message for _, r, message in node.events(pod))


def left(node):
    """What the kubelet has of CSI volumes: mounts and notes."""
    root = node.folder / 'kubelet'
    mounts = [line.split()[1] for line in pathlib.Path('/proc/mounts').read_text().splitlines() if f'{root}/' in line and '/csi' in line or 'kubernetes.io~csi' in line]
    return mounts + [str(p) for p in (root / 'plugins/kubernetes.io/csi').rglob('*') if p.is_file()] + [str(p) for p in (root / 'pods').glob('*/volume*/kubernetes.io~csi/*')]


def stage_of(node, handle):
    return node.folder / 'kubelet/plugins/kubernetes.io/csi' / NAME / hashlib.sha256(handle.encode()).hexdigest()


def test_staged_once_and_published_to_each(node):
    with described(node, attachRequired=False), running(node) as disk:
        bind(node, 'shared', volumeAttributes={'tier': 'gold'}, fsType='ext4')
        node.run_pod('one', MOUNT, volumes=claimed('shared'), wait=ready)
        assert output_of(node, 'two', 'echo kept > /v/data; cat /v/data', claimed('shared'), [{'name': 'v', 'mountPath': '/v'}]) == 'kept\n'
        stage = stage_of(node, 'handle-shared')
        assert json.loads((stage / 'vol_data.json').read_text())['volumeHandle'] == 'handle-shared'
        staged, = disk.asked('NodeStageVolume')
        assert staged['volume_id'] == 'handle-shared' and staged['staging_target_path'] == str(stage / 'globalmount') and staged['volume_context'] == {'tier': 'gold'}
        assert staged['volume_capability'] == {'AccessType': {'Mount': {'fs_type': 'ext4'}}, 'access_mode': {'mode': 1}}
        first = disk.asked('NodePublishVolume')[0]
        uid = node.pod('one')['metadata']['uid']
        volume = node.folder / 'kubelet/pods' / uid / 'volumes/kubernetes.io~csi/pv-shared'
        assert first['target_path'] == str(volume / 'mount') and first['staging_target_path'] == str(stage / 'globalmount') and 'readonly' not in first
        notes = json.loads((volume / 'vol_data.json').read_text())
        attachment = 'csi-' + hashlib.sha256(f'handle-shared{NAME}n1'.encode()).hexdigest()
        assert notes == {'attachmentID': attachment, 'driverName': NAME, 'nodeName': 'n1', 'specVolID': 'pv-shared', 'volumeHandle': 'handle-shared',
                         'volumeLifecycleMode': 'Persistent', 'seLinuxMountContext': ''}
        gone(node, 'two')
        assert disk.said('NodeUnpublishVolume ok') == 1 and disk.said('NodeUnstageVolume') == 0
        assert output_of(node, 'reads', 'cat /v/data; touch /v/x 2>&1', claimed('shared', read_only=True), [{'name': 'v', 'mountPath': '/v'}]).startswith('kept\n')
        assert disk.asked('NodePublishVolume')[-1]['readonly'] is True
        gone(node, 'one', 'reads')
        await_true('nothing is left', lambda: left(node) == [] and disk.said('NodeUnstageVolume ok') == 1, timeout_s=10)
        assert (disk.data / 'handle-shared/data').read_text() == 'kept\n'


def test_a_driver_without_stages(node):
    with described(node, attachRequired=False), running(node, '-no-staging') as disk:
        bind(node, 'bare')
        assert output_of(node, 'bare', 'echo x > /v/f; cat /v/f', claimed('bare'), [{'name': 'v', 'mountPath': '/v'}]) == 'x\n'
        assert disk.said('NodeStageVolume') == 0 and 'staging_target_path' not in disk.asked('NodePublishVolume')[0]
        gone(node, 'bare')
        await_true('nothing is left', lambda: left(node) == [], timeout_s=10)
        assert disk.said('NodeUnstageVolume') == 0


def test_a_raw_device(node):
    with described(node, attachRequired=False), running(node) as disk:
        bind(node, 'raw', {'volumeMode': 'Block'})
        main = {'volumeDevices': [{'name': 'v', 'devicePath': '/dev/xvda'}]}
        script = 'test -b /dev/xvda && printf written | dd of=/dev/xvda conv=notrunc 2>/dev/null; dd if=/dev/xvda bs=7 count=1 2>/dev/null'
        assert output_of(node, 'raw', script, claimed('raw'), container=main).strip() == 'written'
        gone(node, 'raw')
        await_true('nothing is left', lambda: left(node) == [] and disk.said('NodeUnstageVolume ok') == 1, timeout_s=10)
        disk.log.write_text('')
        node.run_pod('raw', DEVICE, volumes=claimed('raw'), wait=ready)
        root = node.folder / 'kubelet/plugins/kubernetes.io/csi/volumeDevices'
        uid = node.pod('raw')['metadata']['uid']
        assert disk.asked('NodePublishVolume')[0]['target_path'] == str(root / 'publish/pv-raw' / uid)
        assert disk.asked('NodePublishVolume')[0]['volume_capability']['AccessType'] == {'Block': {}}
        assert disk.asked('NodeStageVolume')[0]['staging_target_path'] == str(root / 'staging/pv-raw')
        assert json.loads((root / 'pv-raw/data/vol_data.json').read_text())['volumeHandle'] == 'handle-raw'
        gone(node, 'raw')
        await_true('nothing is left', lambda: left(node) == [] and disk.said('NodeUnstageVolume ok') == 1, timeout_s=10)
        assert not (root / 'pv-raw').exists() and not (root / 'publish/pv-raw').exists()
        assert (disk.data / 'handle-raw/image').read_bytes()[:7] == b'written'


def test_one_that_stands_in_the_pod(node):
    inline = [{'name': 'v', 'csi': {'driver': NAME, 'volumeAttributes': {'color': 'red'}, 'nodePublishSecretRef': {'name': 'inline-secret'}}}]
    node.server.kubectl('create', 'secret', 'generic', 'inline-secret', '--from-literal=key=inline-password')
    with running(node) as disk:
        node.run_pod('unknown', MOUNT, volumes=inline)
        await_true('no CSIDriver', told(node, 'unknown', 'FailedMount', 'MountVolume.SetUp failed for volume "v" : kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: volume mode "Ephemeral" not supported by driver disk.csi.test (no CSIDriver object)'), timeout_s=10)
        gone(node, 'unknown')
        with described(node, attachRequired=False):
            node.run_pod('persistent', MOUNT, volumes=inline)
            await_true('its modes', told(node, 'persistent', 'FailedMount', '(only supports ["Persistent"])'), timeout_s=10)
            gone(node, 'persistent')
        assert disk.said('NodePublishVolume') == 0
        with described(node, attachRequired=False, podInfoOnMount=True, volumeLifecycleModes=['Ephemeral'], tokenRequests=[{'audience': 'vault', 'expirationSeconds': 3600}]):
            pod = node.run_pod('inline', MOUNT, volumes=inline, serviceAccountName='default', wait=ready)
            uid = pod['metadata']['uid']
            asked, = disk.asked('NodePublishVolume')
            assert asked['volume_id'] == 'csi-' + hashlib.sha256(f'{uid}v'.encode()).hexdigest() and 'staging_target_path' not in asked
            context = asked['volume_context']
            tokens = json.loads(context.pop('csi.storage.k8s.io/serviceAccount.tokens'))
            assert context == {'color': 'red', 'csi.storage.k8s.io/pod.name': 'inline', 'csi.storage.k8s.io/pod.namespace': 'default', 'csi.storage.k8s.io/pod.uid': uid,
                               'csi.storage.k8s.io/serviceAccount.name': 'default', 'csi.storage.k8s.io/ephemeral': 'true'}
            assert tokens['vault']['token'].count('.') == 2 and tokens['vault']['expirationTimestamp'].endswith('Z')
            assert asked['secrets'] == {'key': 'aW5saW5lLXBhc3N3b3Jk'} or asked['secrets'] == {'key': 'inline-password'}
            assert disk.said('NodeStageVolume') == 0
            gone(node, 'inline')
            await_true('nothing is left', lambda: left(node) == [], timeout_s=10)
    for log in node.folder.glob('kubelet*.log'):
        text = log.read_text()
        assert 'inline-password' not in text and tokens['vault']['token'] not in text


def test_attached_first(node):
    """Without a CSIDriver a volume is attached before it is mounted."""
    with running(node) as disk:
        bind(node, 'far')
        node.run_pod('far', MOUNT, volumes=claimed('far'))
        unique = f'kubernetes.io/csi/{NAME}^handle-far'
        await_true('its wish', lambda: node.node()['status'].get('volumesInUse') == [unique], timeout_s=10)
        attachment = 'csi-' + hashlib.sha256(f'handle-far{NAME}n1'.encode()).hexdigest()
        create(node, 'VolumeAttachment', attachment, spec={'attacher': NAME, 'nodeName': 'n1', 'source': {'persistentVolumeName': 'pv-far'}})
        attached = json.dumps({'status': {'volumesAttached': [{'name': unique, 'devicePath': ''}]}})
        node.server.kubectl('patch', 'node', 'n1', '--subresource=status', '--type=merge', '-p', attached)
        await_true('the event', told(node, 'far', 'FailedMount', f'volume attachment {attachment} is not attached'), timeout_s=10)
        assert disk.said('NodeStageVolume') == 0
        node.server.kubectl('patch', 'volumeattachment', attachment, '--subresource=status', '--type=merge', '-p', '{"status":{"attached":true,"attachmentMetadata":{"lun":"7"}}}')
        node.wait('far', ready)
        assert disk.asked('NodeStageVolume')[0]['publish_context'] == {'lun': '7'} == disk.asked('NodePublishVolume')[0]['publish_context']
        gone(node, 'far')
        await_true('it is not in use any more', lambda: not node.node()['status'].get('volumesInUse') and left(node) == [], timeout_s=10)
        node.server.kubectl('delete', 'volumeattachment', attachment)


def test_no_driver_yet(node):
    with described(node, attachRequired=False):
        bind(node, 'early')
        node.run_pod('early', MOUNT, volumes=claimed('early'))
        want = f'MountVolume.MountDevice failed for volume "pv-early" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name {NAME} not found in the list of registered CSI drivers'
        # Long enough for a wait that registration must cut short.
        await_true('several tries', lambda: sum(r == 'FailedMount' and m == want for _, r, m in node.events('early')) >= 1, timeout_s=10)
        with running(node) as disk:
            node.wait('early', ready)
            gone(node, 'early')
            await_true('nothing is left', lambda: left(node) == [], timeout_s=10)
            assert disk.said('NodeStageVolume ok') == 1


def test_what_a_driver_refuses_and_does_not_answer(node):
    with described(node, attachRequired=False), running(node) as disk:
        bind(node, 'refused')
        with disk.ordered('NodeStageVolume 3'):
            node.run_pod('refused', MOUNT, volumes=claimed('refused'))
            await_true('the event', told(node, 'refused', 'FailedMount', 'MountVolume.MountDevice failed for volume "pv-refused" : rpc error: code = InvalidArgument desc = as told'), timeout_s=10)
            assert not stage_of(node, 'handle-refused').exists(), 'what was refused leaves nothing'
            gone(node, 'refused')
        assert disk.said('NodeUnstageVolume') == 0 and left(node) == []
        bind(node, 'lost')
        with disk.ordered('NodePublishVolume 14'):     # it may have been done
            node.run_pod('lost', MOUNT, volumes=claimed('lost'))
            await_true('the event', told(node, 'lost', 'FailedMount', 'MountVolume.SetUp failed for volume "pv-lost" : rpc error: code = Unavailable desc = as told'), timeout_s=10)
            gone(node, 'lost')
        await_true('it is undone to be sure', lambda: disk.said('NodeUnpublishVolume ok') == 1 and disk.said('NodeUnstageVolume ok') == 1 and left(node) == [], timeout_s=10)
        bind(node, 'hung')
        with disk.ordered('NodePublishVolume hang'):
            node.run_pod('hung', MOUNT, volumes=claimed('hung'))
            await_true('it hangs', lambda: any(r['volume_id'] == 'handle-hung' for r in disk.asked('NodePublishVolume')), timeout_s=10)
            gone(node, 'hung')
        await_true('nothing is left', lambda: left(node) == [], timeout_s=10)


def test_a_driver_that_dies_while_a_volume_is_mounted(node):
    with described(node, attachRequired=False):
        bind(node, 'dies')
        with running(node):
            node.run_pod('dies', MOUNT, volumes=claimed('dies'), wait=ready)
        node.server.kubectl('delete', 'pod', 'dies', '--wait=false')
        pod = node.pod('dies')
        node.wait('dies', lambda p: all('terminated' in s['state'] for s in p['status']['containerStatuses']))
        assert left(node) != [] and node.pod('dies'), 'it is there until somebody can unmount it'
        with running(node) as disk:
            node.wait('dies', lambda p: p is None)
            await_true('nothing is left', lambda: left(node) == [] and disk.said('NodeUnstageVolume ok') == 1, timeout_s=10)
        assert pod


@pytest.mark.parametrize('how', ['mount', 'device'])
def test_a_killed_kubelet_takes_its_volumes_over(node, how):
    name = f'again-{how}'
    main = MOUNT if how == 'mount' else DEVICE
    with described(node, attachRequired=False), running(node) as disk:
        bind(node, name, {'volumeMode': 'Block'} if how == 'device' else None)
        stays = node.run_pod(f'{how}-stays', main, volumes=claimed(name), wait=ready)
        node.run_pod(f'{how}-goes', main, volumes=claimed(name), wait=ready)
        node.stop_kubelet(signal.SIGKILL)
        node.server.kubectl('delete', 'pod', f'{how}-goes', '--grace-period=0', '--force')
        node.start_kubelet()
        await_true('the other is unpublished', lambda: disk.said('NodeUnpublishVolume ok') == 1, timeout_s=20)
        now = node.wait(f'{how}-stays', ready)
        assert now['status']['containerStatuses'][0]['containerID'] == stays['status']['containerStatuses'][0]['containerID'] and disk.said('NodeUnstageVolume') == 0
        gone(node, f'{how}-stays')
        await_true('nothing is left', lambda: left(node) == [] and disk.said('NodeUnstageVolume ok') == 1, timeout_s=10)


def owner_of(node, name, **security):
    return output_of(node, name, "stat -c '%g %a' /v", claimed('owned'), [{'name': 'v', 'mountPath': '/v'}], securityContext={'fsGroup': 4321, **security}).split()


def test_groups(node):
    with running(node) as disk:
        bind(node, 'owned', fsType='ext4')
        for policy, group in (('None', '0'), ('ReadWriteOnceWithFSType', '4321'), ('File', '4321')):
            with described(node, attachRequired=False, fsGroupPolicy=policy):
                name = f'group-{policy.lower()}'
                owner = owner_of(node, name)
                assert owner[0] == group, policy
                gone(node, name)
                await_true('nothing is left', lambda: left(node) == [], timeout_s=10)
            os.chown(disk.data / 'handle-owned', 0, 0)


def test_growing(node):
    with described(node, attachRequired=False), running(node) as disk:
        bind(node, 'grows', {'capacity': {'storage': '3Mi'}})     # the claim knows of 1 MiB
        node.run_pod('grows', MOUNT, volumes=claimed('grows'), wait=ready)
        grown, = disk.asked('NodeExpandVolume')
        assert grown['capacity_range'] == {'required_bytes': 3 << 20} and grown['volume_id'] == 'handle-grows' and grown['staging_target_path']
        await_true('the claim knows', lambda: node.server.kubectl('get', 'pvc', 'grows', '-o', 'jsonpath={.status.capacity.storage}') == '3Mi', timeout_s=10)
        await_true('the event', told(node, 'grows', 'FileSystemResizeSuccessful', 'MountVolume.NodeExpandVolume succeeded for volume "pv-grows"'), timeout_s=10)
        gone(node, 'grows')
        await_true('nothing is left', lambda: left(node) == [], timeout_s=10)


def test_what_volumes_hold(node):
    """The figures of /stats/summary and of the metrics that dashboards of claims read."""
    token = node.server.kubectl('create', 'token', 'default').strip()    # everything is allowed on this API server

    def ask(path):
        return subprocess.run(['curl', '-sk', '-H', f'Authorization: Bearer {token}', f'https://127.0.0.1:10250/{path}'], capture_output=True, text=True, timeout=20, check=True).stdout

    with described(node, attachRequired=False), running(node) as disk:
        bind(node, 'told')
        node.run_pod('told', {**MOUNT, 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}, {'name': 'tmp', 'mountPath': '/tmp'}], 'command': ['sh', '-c', f'head -c 1000000 /dev/zero > /tmp/f; {FOREVER}']},
                     volumes=[*claimed('told'), {'name': 'tmp', 'emptyDir': {}}], wait=ready)

        def told():
            pod = next(p for p in json.loads(ask('stats/summary'))['pods'] if p['podRef']['name'] == 'told')
            return {v['name']: v for v in pod.get('volume', [])}
        found = await_true('the figures', lambda: len(told()) == 2 and told(), timeout_s=80)
        assert found['v']['pvcRef'] == {'name': 'told', 'namespace': 'default'} and found['v']['capacityBytes'] > found['v']['usedBytes'] > 0
        assert 1_000_000 <= found['tmp']['usedBytes'] < 1_100_000 and found['tmp']['inodesUsed'] == 2
        labels = '{namespace="default",persistentvolumeclaim="told"} '
        page = ask('metrics')
        for name in ('available_bytes', 'capacity_bytes', 'used_bytes', 'inodes', 'inodes_free', 'inodes_used'):
            assert f'kubelet_volume_stats_{name}{labels}' in page, name
        assert disk.said('NodeGetVolumeStats ok') >= 1
        gone(node, 'told')


def test_a_plugin_whose_work_a_driver_has_taken_over(node):
    with described(node, 'ebs.csi.aws.com', attachRequired=False), running(node, name='ebs.csi.aws.com') as disk:
        bound_volume(node, 'taken', awsElasticBlockStore={'volumeID': 'aws://eu-1a/vol-1', 'fsType': 'ext4', 'partition': 2})
        assert output_of(node, 'taken', 'echo x > /v/f; cat /v/f', claimed('taken'), [{'name': 'v', 'mountPath': '/v'}]) == 'x\n'
        staged, = disk.asked('NodeStageVolume')
        assert (staged['volume_id'], staged['volume_context'], staged['volume_capability']['AccessType']) == ('vol-1', {'partition': '2'}, {'Mount': {'fs_type': 'ext4'}})
        gone(node, 'taken')
        await_true('nothing is left', lambda: left(node) == [], timeout_s=10)
