"""Volumes that pods of a node share, and raw devices: `pintle kubelet` on a real containerd, with loop devices for disks."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from pod_config_test import FOREVER, bound_volume, output_of, ready
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = [pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}'),
              pytest.mark.skipif(not shutil.which('mkfs.ext4') or not shutil.which('losetup'), reason='needs losetup and mkfs.ext4')]


@pytest.fixture(scope='module')
def node():
    with own_network(), KubeletNode() as n:
        yield n


@contextlib.contextmanager
def disk(node, name, mib=32):
    """A block device over a file."""
    path = node.folder / f'{name}.img'
    with path.open('wb') as file:
        file.truncate(mib << 20)
    device = subprocess.run(['losetup', '-f', '--show', str(path)], capture_output=True, text=True, check=True).stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(['losetup', '-d', device], capture_output=True)


def backing(device):
    return subprocess.run(['losetup', '-n', '-O', 'BACK-FILE', device], capture_output=True, text=True).stdout.strip()


def claim_volume(name):
    return [{'name': 'v', 'persistentVolumeClaim': {'claimName': name}}]


def use(name):
    return {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]} if name == 'mount' else {'command': ['sh', '-c', FOREVER], 'volumeDevices': [{'name': 'v', 'devicePath': '/dev/xvda'}]}


def gone(node, *names):
    node.server.kubectl('delete', 'pod', *names, '--wait=false')
    for name in names:
        node.wait(name, lambda p: p is None)


def mounts(node):
    return [line.split()[1] for line in pathlib.Path('/proc/mounts').read_text().splitlines() if str(node.folder / 'kubelet/') in line and 'local-volume' in line]


def test_a_disk_is_formatted_once_and_shared(node):
    with disk(node, 'shared') as device:
        bound_volume(node, 'shared', local={'path': device}, mountOptions=['noatime'])
        stage = node.folder / 'kubelet/plugins/kubernetes.io/local-volume/mounts/pv-shared'
        node.run_pod('one', use('mount'), volumes=claim_volume('shared'), wait=ready)
        text = output_of(node, 'two', "echo kept > /v/data; grep ' /v ' /proc/mounts", claim_volume('shared'), [{'name': 'v', 'mountPath': '/v'}])
        assert text.split()[0] == device and text.split()[2] == 'ext4' and 'noatime' in text
        gone(node, 'two')
        assert str(stage) in mounts(node), 'the other pod has it still'
        gone(node, 'one')
        await_true('the last pod takes the stage with it', lambda: mounts(node) == [] and not stage.exists(), timeout_s=10)
        assert output_of(node, 'three', 'cat /v/data', claim_volume('shared'), [{'name': 'v', 'mountPath': '/v'}]) == 'kept\n'
        gone(node, 'three')
        await_true('nothing is left', lambda: mounts(node) == [], timeout_s=10)
        subprocess.run(['losetup', '-d', device], check=True)
        assert backing(device) == '', 'nobody holds the device'


def test_a_disk_with_data_is_left_alone(node):
    with disk(node, 'data') as device:
        with open(device, 'r+b') as raw:
            raw.seek(31 << 20)
            raw.write(b'precious')
        bound_volume(node, 'data', local={'path': device})
        node.run_pod('refused', use('mount'), volumes=claim_volume('data'))
        def told():
            return any(reason == 'FailedMount' and 'carries data that blkid does not know' in message for _, reason, message in node.events('refused'))
        await_true('the event', told, timeout_s=15)
        with open(device, 'rb') as raw:
            raw.seek(31 << 20)
            assert raw.read(8) == b'precious'
        gone(node, 'refused')
        await_true('nothing is left', lambda: mounts(node) == [] and not list((node.folder / 'kubelet/plugins/kubernetes.io/local-volume/mounts').iterdir()), timeout_s=10)


def test_a_raw_device(node):
    with disk(node, 'raw') as device:
        bound_volume(node, 'raw', local={'path': device}, volumeMode='Block')
        main = {'volumeDevices': [{'name': 'v', 'devicePath': '/dev/xvda'}]}
        script = 'test -b /dev/xvda && printf written | dd of=/dev/xvda conv=notrunc 2>/dev/null; dd if=/dev/xvda bs=7 count=1 2>/dev/null'
        assert output_of(node, 'raw', script, claim_volume('raw'), container=main).strip() == 'written'
        with open(device, 'rb') as raw:
            assert raw.read(7) == b'written'
        gone(node, 'raw')
        assert mounts(node) == [] and not (node.folder / 'kubelet/plugins/kubernetes.io~local-volume/volumeDevices/pv-raw').exists()
        reading = [{'name': 'v', 'persistentVolumeClaim': {'claimName': 'raw', 'readOnly': True}}]
        text = output_of(node, 'rawreader', 'printf lost | dd of=/dev/xvda conv=notrunc 2>&1; dd if=/dev/xvda bs=7 count=1 2>/dev/null', reading, container=main)
        assert text.strip().endswith('written') and 'not permitted' in text.lower(), text
        gone(node, 'rawreader')


@pytest.mark.parametrize('how', ['mount', 'device'])
def test_a_killed_kubelet_takes_its_volumes_over(node, how):
    name = f'again-{how}'
    with disk(node, name) as device:
        bound_volume(node, name, local={'path': device}, **({} if how == 'mount' else {'volumeMode': 'Block'}))
        stays = node.run_pod(f'{how}-stays', use(how), volumes=claim_volume(name), wait=ready)
        node.run_pod(f'{how}-goes', use(how), volumes=claim_volume(name), wait=ready)
        before = sorted(mounts(node))
        assert len(before) == (3 if how == 'mount' else 2)
        node.stop_kubelet(signal.SIGKILL)
        node.server.kubectl('delete', 'pod', f'{how}-goes', '--wait=false', '--grace-period=0', '--force')
        node.start_kubelet()
        uid = stays['metadata']['uid']
        await_true('what nobody wants goes', lambda: len(mounts(node)) == len(before) - 1, timeout_s=30)
        assert sorted(set(mounts(node))) == sorted(mounts(node)) and any(uid in m for m in mounts(node))
        assert node.pod(f'{how}-stays')['status']['containerStatuses'][0]['restartCount'] == 0
        gone(node, f'{how}-stays')
        await_true('nothing is left', lambda: mounts(node) == [], timeout_s=10)
        # Killed between the last pod and the device: what is staged for nobody is undone at the start.
        if how == 'mount':
            stage = node.folder / 'kubelet/plugins/kubernetes.io/local-volume/mounts/pv-left'
            node.stop_kubelet(signal.SIGKILL)
            stage.mkdir(parents=True)
            subprocess.run(['mount', device, str(stage)], check=True)
            node.start_kubelet()
            await_true('undone', lambda: mounts(node) == [] and not stage.exists(), timeout_s=20)


def test_a_gid_and_a_node(node):
    folder = node.folder / 'grouped'
    folder.mkdir()
    bound_volume(node, 'grouped', local={'path': str(folder)})
    node.server.kubectl('annotate', 'pv', 'pv-grouped', 'pv.beta.kubernetes.io/gid=4321')
    assert '4321' in output_of(node, 'grouped', 'id -G', claim_volume('grouped'), [{'name': 'v', 'mountPath': '/v'}]).split()
    elsewhere = {'required': {'nodeSelectorTerms': [{'matchExpressions': [{'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': ['elsewhere']}]}]}}
    bound_volume(node, 'elsewhere', local={'path': str(folder)}, nodeAffinity=elsewhere)
    node.run_pod('misplaced', use('mount'), volumes=claim_volume('elsewhere'))
    want = ('Warning', 'FailedMount', 'MountVolume.NodeAffinity check failed for volume "pv-elsewhere" : no matching NodeSelectorTerms')
    await_true('the event', lambda: want in node.events('misplaced'), timeout_s=15)
    gone(node, 'grouped', 'misplaced')


def program(folder, name, script):
    (folder / name).write_text(f'#!/bin/sh\n{script}\n')
    (folder / name).chmod(0o755)


@contextlib.contextmanager
def programs_of(node, folder):
    """The kubelet, started anew, finds these programs first."""
    node.stop_kubelet()
    before = os.environ['PATH']
    os.environ['PATH'] = f'{folder}:{before}'
    try:
        node.start_kubelet()
    finally:
        os.environ['PATH'] = before
    yield
    node.stop_kubelet()
    node.start_kubelet()


def asleep():
    return subprocess.run(['pgrep', '-f', '^sleep 47110'], capture_output=True, text=True).stdout.split()


def test_a_program_that_hangs_holds_its_volume_alone(node, tmp_path):
    """A disk that does not answer: its pod waits, others start, and the kubelet ends with nothing left behind."""
    program(tmp_path, 'blkid', 'sleep 47110 & exec sleep 47110')
    with disk(node, 'dead') as device:
        bound_volume(node, 'dead', local={'path': device})
        with programs_of(node, tmp_path):
            node.run_pod('stuck', use('mount'), volumes=claim_volume('dead'))
            await_true('the program runs', lambda: len(asleep()) == 2, timeout_s=20)
            node.run_pod('other', {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'e', 'mountPath': '/e'}]}, volumes=[{'name': 'e', 'emptyDir': {}}], wait=ready)
        assert asleep() == []
        node.wait('stuck', ready)
        gone(node, 'stuck', 'other')
        await_true('nothing is left', lambda: mounts(node) == [], timeout_s=10)


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGKILL])
def test_a_kubelet_that_ends_while_it_formats(node, tmp_path, monkeypatch, sig):
    """The file system is made whole, once, and by one program at a time."""
    log, name, real = tmp_path / 'log', f'midway-{sig}', shutil.which('mkfs.ext4')
    log.touch()
    program(tmp_path, 'mkfs.ext4', f'echo start >> {log}; sleep 3; {real} "$@"; echo end >> {log}')
    with disk(node, name) as device:
        bound_volume(node, name, local={'path': device})
        with programs_of(node, tmp_path):
            node.run_pod(name, use('mount'), volumes=claim_volume(name))
            await_true('it formats', lambda: log.read_text() == 'start\n', timeout_s=20)
            node.stop_kubelet(sig)
            monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
            node.start_kubelet()
            node.wait(name, ready)
            monkeypatch.undo()
            assert log.read_text() == 'start\nend\n', node.events(name)
        gone(node, name)
        await_true('nothing is left', lambda: mounts(node) == [], timeout_s=10)


def test_nfs_volumes(node, tmp_path):
    """This kernel has no NFS: a program stands for mount.nfs, and a tmpfs for what it mounts. A server that does not answer holds its pod alone, and no longer than that is wanted."""
    program(tmp_path, 'mount.nfs', 'case "$1" in dead:*) sleep 47110 & exec sleep 47110;; denied:*) echo "mount.nfs: access denied by server" >&2; exit 32;; esac; mount -t tmpfs nfs "$2" && echo "$@" > "$2/asked"')

    def share(server):
        return [{'name': 'v', 'nfs': {'server': server, 'path': '/export'}}]
    with programs_of(node, tmp_path):
        assert output_of(node, 'nfs', 'cut -d" " -f1 /v/asked', share('server'), [{'name': 'v', 'mountPath': '/v'}]) == 'server:/export\n'
        node.run_pod('denied', use('mount'), volumes=share('denied'))
        want = ('Warning', 'FailedMount', 'MountVolume.SetUp failed for volume "v" : mount failed: exit status 32: mount.nfs: access denied by server')
        await_true('the event', lambda: want in node.events('denied'), timeout_s=15)
        node.run_pod('dead', use('mount'), volumes=share('dead'))
        await_true('the program runs', lambda: len(asleep()) == 2, timeout_s=20)
        gone(node, 'dead')
        assert asleep() == []
        gone(node, 'nfs', 'denied')
        assert 'kubernetes.io~nfs' not in pathlib.Path('/proc/mounts').read_text()
