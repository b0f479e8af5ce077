"""A node on containerd 2 and a runc of its day (test/ecosystem/build containerd-2/...): what the ones of Debian 12 cannot do. Pods with
ids of their own (hostUsers: false), mounts that are read-only all the way down, images as volumes."""
import json
import pathlib
import subprocess
import tempfile

import pytest
from conftest import free_network, program
from support.nodes import NodeCluster, await_true
from support.registry import Registry, build_images

IMAGE = 'busybox:1.36'
PROGRAMS = ('containerd', 'containerd-shim-runc-v2', 'runc')


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    folder = pathlib.Path([program(f'containerd-2/{name}') for name in PROGRAMS][0]).parent
    build_images('basic')
    network = free_network()
    # Pods with ids of their own reach their root by its path: all that leads there must be searchable.
    data = pathlib.Path(tempfile.mkdtemp(prefix='pintle-containerd-2-'))
    data.chmod(0o711)
    registry = Registry(tmp_path_factory.mktemp('registry'), f'{network}.1:5000')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PATH', str(folder), prepend=':')
        try:
            with NodeCluster(registry=registry.url, subnet=f'{network}.0/24', folder=data, before_start=lambda: registry.start().push()) as c:
                yield c
        finally:
            registry.stop()


def container(name, script, **more):
    return {'name': name, 'image': IMAGE, 'command': ['sh', '-c', f'{script}\ntrap "exit 0" TERM; touch /tmp/done; while true; do sleep 0.1; done'],
            'readinessProbe': {'exec': {'command': ['test', '-e', '/tmp/done']}, 'periodSeconds': 1}, **more}


def run_pod(cluster, name, containers, **spec):
    """The pod, Ready: each container's script has come to its end."""
    cluster.kubectl.apply({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {'terminationGracePeriodSeconds': 1, 'containers': containers, **spec}})
    try:
        cluster.kubectl('wait', 'pod', name, '--for=condition=Ready', '--timeout=60s')
    except RuntimeError as e:
        raise AssertionError(f'{e}\n{cluster.kubectl("describe", "pod", name)}') from e
    return cluster.kubectl.json('get', 'pod', name)


def inside(cluster, pod, *command, container='main'):
    return cluster.kubectl('exec', pod, '-c', container, '--', *command)


def test_what_the_node_says(cluster):
    status = cluster.kubectl.json('get', 'node', 'server')['status']
    assert status['nodeInfo']['containerRuntimeVersion'].startswith('containerd://2.')
    features = {handler['name']: handler['features'] for handler in status['runtimeHandlers']}
    assert features[''] == features['runc'] == {'recursiveReadOnlyMounts': True, 'userNamespaces': True}
    assert status['features']['supplementalGroupsPolicy'] is True


def ids_on_the_machine(cluster, pod):
    """Who the container's first process is, as this machine sees it."""
    container_id = pod['status']['containerStatuses'][0]['containerID'].removeprefix('containerd://')
    pid = await_true('the process', lambda: cluster.server.task_pids()[container_id])
    return [int(line.split()[1]) for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines() if line.startswith(('Uid:', 'Gid:'))]


def test_pods_with_ids_of_their_own(cluster):
    cluster.kubectl('create', 'configmap', 'settings', '--from-literal=key=value')
    volumes = [{'name': 'scratch', 'emptyDir': {}}, {'name': 'settings', 'configMap': {'name': 'settings'}}]
    mounts = [{'name': 'scratch', 'mountPath': '/scratch'}, {'name': 'settings', 'mountPath': '/settings'}]
    starts = []
    for name in ('own-a', 'own-b'):
        pod = run_pod(cluster, name, [container('main', 'echo mine > /scratch/file', volumeMounts=mounts)], hostUsers=False, volumes=volumes)
        rows = [line.split() for kind in ('uid', 'gid') for line in inside(cluster, name, 'cat', f'/proc/self/{kind}_map').splitlines()]
        assert rows[0] == rows[1] and len(rows) == 2, 'the same range of users and groups, and no other'
        first, start, count = map(int, rows[0])
        assert first == 0 and start >= 65536 and count == 65536
        assert ids_on_the_machine(cluster, pod) == [start, start], 'root of the pod is nobody of this machine'
        starts.append(start)
        # Volumes are mapped: what is root's inside is root's on the disk.
        assert inside(cluster, name, 'stat', '-c', '%u:%g', '/scratch/file', '/settings/key').split() == ['0:0', '0:0']
        assert inside(cluster, name, 'cat', '/settings/key') == 'value'
        scratch = pathlib.Path(cluster.server.data) / f'kubelet/pods/{pod["metadata"]["uid"]}/volumes/kubernetes.io~empty-dir/scratch/file'
        assert (scratch.stat().st_uid, scratch.stat().st_gid) == (0, 0)
        # Full capabilities over its own, none over the machine.
        assert subprocess.run([*cluster.kubectl.base, 'exec', name, '--', 'sh', '-c', 'echo 1 > /proc/sys/vm/drop_caches'], capture_output=True).returncode != 0
    assert abs(starts[0] - starts[1]) >= 65536, 'no id belongs to two pods'
    run_pod(cluster, 'shared', [container('main', ':')])
    assert inside(cluster, 'shared', 'cat', '/proc/self/uid_map').split() == ['0', '0', '4294967295']
    cluster.kubectl('delete', 'pod', 'own-a', 'own-b', 'shared', '--wait=true')


def test_as_whom_a_container_runs(cluster):
    context = {'runAsUser': 1000, 'runAsGroup': 3000, 'supplementalGroups': [4000], 'supplementalGroupsPolicy': 'Strict'}
    pod = run_pod(cluster, 'somebody', [container('main', ':')], securityContext=context)
    user = pod['status']['containerStatuses'][0]['user']
    assert user == {'linux': {'uid': 1000, 'gid': 3000, 'supplementalGroups': [3000, 4000]}}
    assert inside(cluster, 'somebody', 'id', '-G').split() == ['3000', '4000']
    cluster.kubectl('delete', 'pod', 'somebody', '--wait=true')


@pytest.fixture
def nested(tmp_path):
    """A folder with a file system of its own beneath."""
    inner = tmp_path / 'inner'
    inner.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', inner], check=True)
    yield tmp_path
    subprocess.run(['umount', '-l', inner], check=True)


def test_mounts_that_are_read_only_all_the_way_down(cluster, nested):
    modes = {'enabled': 'Enabled', 'possible': 'IfPossible', 'disabled': 'Disabled', 'unsaid': 'Disabled'}
    containers = [container(name, ':', volumeMounts=[{'name': 'v', 'mountPath': '/v', 'readOnly': True, **({'recursiveReadOnly': mode} if mode else {})}]) for name, mode in modes.items()]
    pod = run_pod(cluster, 'depths', containers, volumes=[{'name': 'v', 'hostPath': {'path': str(nested), 'type': 'Directory'}}])

    def writes(name, path):
        done = subprocess.run([*cluster.kubectl.base, 'exec', 'depths', '-c', name, '--', 'touch', path], capture_output=True, text=True)
        assert done.returncode == 0 or 'Read-only file system' in done.stderr, done.stderr
        return done.returncode == 0
    assert not any(writes(name, '/v/file') for name in modes)
    assert {name: writes(name, f'/v/inner/{name}') for name in modes} == {'enabled': False, 'possible': False, 'disabled': True, 'unsaid': True}
    told = {status['name']: next(m for m in status['volumeMounts'] if m['mountPath'] == '/v') for status in pod['status']['containerStatuses']}
    assert {name: mount.get('recursiveReadOnly') for name, mount in told.items()} == {'enabled': 'Enabled', 'possible': 'Enabled', 'disabled': 'Disabled', 'unsaid': 'Disabled'}
    cluster.kubectl('delete', 'pod', 'depths', '--wait=true')


def test_both_at_once(cluster, nested):
    mount = {'name': 'v', 'mountPath': '/v', 'readOnly': True, 'recursiveReadOnly': 'Enabled'}
    run_pod(cluster, 'both', [container('main', ':', volumeMounts=[mount])], hostUsers=False, volumes=[{'name': 'v', 'hostPath': {'path': str(nested)}}])
    done = subprocess.run([*cluster.kubectl.base, 'exec', 'both', '--', 'touch', '/v/inner/file'], capture_output=True, text=True)
    assert done.returncode != 0 and 'Read-only file system' in done.stderr
    cluster.kubectl('delete', 'pod', 'both', '--wait=true')


def test_an_image_as_a_volume(cluster):
    """The whole image, and a folder of it."""
    mounts = [{'name': 'image', 'mountPath': '/image'}, {'name': 'image', 'mountPath': '/programs', 'subPath': 'bin'}]
    run_pod(cluster, 'image', [container('main', ':', volumeMounts=mounts)], volumes=[{'name': 'image', 'image': {'reference': IMAGE, 'pullPolicy': 'Always'}}])
    assert inside(cluster, 'image', 'ls', '/image/bin/busybox', '/programs/busybox').split() == ['/image/bin/busybox', '/programs/busybox']
    done = subprocess.run([*cluster.kubectl.base, 'exec', 'image', '--', 'touch', '/image/file'], capture_output=True, text=True)
    assert done.returncode != 0 and 'Read-only file system' in done.stderr
    cluster.kubectl('delete', 'pod', 'image', '--wait=true')


def test_the_node_is_ended_and_started_again(cluster):
    """Its pods go on, and keep their ids."""
    before = run_pod(cluster, 'kept', [container('main', ':')], hostUsers=False)
    ids = ids_on_the_machine(cluster, before)
    cluster.server.stop()
    cluster.server.start()
    await_true('the API server', lambda: cluster.kubectl('get', '--raw', '/readyz') == 'ok')
    cluster.await_node(cluster.server)
    after = await_true('the pod to be ready', lambda: next((p for p in [cluster.kubectl.json('get', 'pod', 'kept')] if p['status']['containerStatuses'][0]['ready']), None))
    assert json.dumps(after['status']['containerStatuses'][0]['state']) == json.dumps(before['status']['containerStatuses'][0]['state']), 'the same container'
    assert ids_on_the_machine(cluster, after) == ids
    assert run_pod(cluster, 'next', [container('main', ':')], hostUsers=False)
    assert inside(cluster, 'next', 'cat', '/proc/self/uid_map').split()[1] != str(ids[0])
    cluster.kubectl('delete', 'pod', 'kept', 'next', '--wait=true')
