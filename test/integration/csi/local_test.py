"""`pintle csi-local`: csi-sanity, and what its volumes promise. Root, and loop devices."""
import errno
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from support.cluster import pintle_binary
from support.csi import sanity_program
from support.csi_local import DISK, MI, WRITER, LocalDriver

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not pathlib.Path('/dev/loop-control').exists() or not shutil.which('mkfs.ext4'),
                                reason='needs root, loop devices and e2fsprogs')

NAMES = ['..', '../../../../etc/passwd', '/etc/passwd', 'a/b', 'a b\n', '-rf', '$(reboot)', 'x' * 128, 'ü', '.', '*']


@pytest.fixture
def driver(tmp_path):
    made = LocalDriver(tmp_path)
    made.start()
    yield made
    made.stop()
    assert made.left() == []


@pytest.mark.parametrize('kind', ['mount', 'block'])
def test_csi_sanity(driver, kind):
    done = subprocess.run([sanity_program(), f'--csi.endpoint=unix://{driver.socket}', f'--csi.mountdir={driver.folder}/m', f'--csi.stagingdir={driver.folder}/s',
                           f'--csi.testvolumeaccesstype={kind}', f'--csi.testvolumesize={512 * MI}', f'--csi.testvolumeexpandsize={1024 * MI}', '--ginkgo.no-color'], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:]
    assert ' 0 Failed' in done.stdout


def test_a_full_volume_fails_alone(driver):
    full, other = driver.create('full', 16 * MI), driver.create('other', 16 * MI)
    at, beside = driver.mount(full), driver.mount(other)
    with pytest.raises(OSError) as failed, open(at / 'big', 'wb') as f:
        for _ in range(17):
            f.write(b'x' * MI)
            f.flush()
    assert failed.value.errno == errno.ENOSPC
    (beside / 'small').write_text('fits')
    usage = driver.call('Node/NodeGetVolumeStats', volumeId=full, volumePath=str(at))['usage']
    assert [u['unit'] for u in usage] == ['BYTES', 'INODES'] and int(usage[0].get('available', 0)) < MI
    for volume in (full, other):
        driver.unmount(volume)
        driver.delete(volume)


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGKILL])
def test_data_and_mounts_outlive_the_driver(driver, sig):
    volume = driver.create('kept')
    at = driver.mount(volume)
    (at / 'f').write_text('before')
    driver.stop(sig=sig)
    assert (at / 'f').read_text() == 'before'
    driver.start()
    assert driver.mount(volume) == at
    (at / 'g').write_text('after')
    driver.unmount(volume)
    assert driver.refused('Node/NodePublishVolume', volumeId=volume, stagingTargetPath=str(driver.folder / 'none'), targetPath=str(at), volumeCapability=WRITER) == 'FailedPrecondition'
    at = driver.mount(volume)
    assert sorted(p.name for p in at.iterdir()) == ['f', 'g']
    driver.unmount(volume)
    driver.delete(volume)


def test_hostile_names(driver):
    before = sorted(p.name for p in driver.folder.iterdir())
    ids = [driver.create(name, 16 * MI) for name in NAMES]
    assert len(set(ids)) == len(NAMES) and ids == [driver.create(name, 16 * MI) for name in NAMES]
    assert sorted(p.name for p in (driver.data / 'volumes').iterdir()) == sorted(ids)
    assert sorted(p.name for p in driver.folder.iterdir()) == before
    for name in ('', 'x' * 129):
        assert driver.refused('Controller/CreateVolume', name=name, volumeCapabilities=[WRITER]) == 'InvalidArgument'
    for odd in ('..', '../../volumes', 'vol-', 'x' * 5000):
        driver.delete(odd)
        assert driver.refused('Node/NodeStageVolume', volumeId=odd, stagingTargetPath='/tmp/none', volumeCapability=WRITER) == 'NotFound'
    for path in ('a/b', f'{driver.folder}/../x', '/' + 'x' * 5000):
        assert driver.refused('Node/NodeStageVolume', volumeId=ids[0], stagingTargetPath=path, volumeCapability=WRITER) == 'InvalidArgument'
    for volume in ids:
        driver.delete(volume)


def test_what_is_not_offered_is_refused_by_name(driver):
    def create(**more):
        return driver.refused('Controller/CreateVolume', name='v', **{'volumeCapabilities': [WRITER], **more})
    for parameters in ({'backing': 'quota'}, {'backing': 'directory'}, {'path': 'other'}, {'maxSize': 'x'}, {'size': '1'}):
        assert create(parameters=parameters) == 'InvalidArgument'
    assert create(parameters={'maxSize': '32Mi'}, capacityRange={'requiredBytes': str(64 * MI)}) == 'OutOfRange'
    assert create(volumeCapabilities=[{'mount': {}, 'accessMode': {'mode': 'MULTI_NODE_MULTI_WRITER'}}]) == 'InvalidArgument'
    assert create(volumeCapabilities=[{'mount': {'fsType': 'xfs'}, 'accessMode': {'mode': 'SINGLE_NODE_WRITER'}}]) == 'InvalidArgument'
    assert create(accessibilityRequirements={'requisite': [{'segments': {'topology.local.csi.pintle.dev/node': 'n2'}}]}) == 'ResourceExhausted'
    assert create(capacityRange={'requiredBytes': str(1 << 43)}) == 'ResourceExhausted'


def test_capacity_of_a_path(tmp_path):
    driver = LocalDriver(tmp_path, '--capacity=default=100Mi').start()
    try:
        assert driver.call('Controller/GetCapacity')['availableCapacity'] == str(100 * MI)
        volume = driver.create('v', 64 * MI)
        assert driver.call('Controller/GetCapacity')['availableCapacity'] == str(36 * MI)
        assert driver.refused('Controller/CreateVolume', name='w', volumeCapabilities=[WRITER], capacityRange={'requiredBytes': str(64 * MI)}) == 'ResourceExhausted'
        assert driver.refused('Controller/ControllerExpandVolume', volumeId=volume, capacityRange={'requiredBytes': str(128 * MI)}) == 'ResourceExhausted'
        driver.delete(volume)
        assert driver.call('Controller/GetCapacity')['availableCapacity'] == str(100 * MI)
    finally:
        driver.stop()


def test_snapshots_clones_and_growth(driver):
    volume = driver.create('source')
    at = driver.mount(volume)
    (at / 'f').write_text('then')
    snapshot = driver.call('Controller/CreateSnapshot', name='s', sourceVolumeId=volume)['snapshot']['snapshotId']
    (at / 'f').write_text('now')
    copies = [driver.create('restored', 96 * MI, volumeContentSource={'snapshot': {'snapshotId': snapshot}}),
              driver.create('cloned', volumeContentSource={'volume': {'volumeId': volume}})]
    assert (at / 'f').read_text() == 'now', 'writes go on'
    assert [(driver.mount(copy) / 'f').read_text() for copy in copies] == ['then', 'now']
    assert os.statvfs(driver.published[copies[0]]).f_blocks * 4096 > 80 * MI, 'it has the size that was asked for'
    grown = driver.call('Controller/ControllerExpandVolume', volumeId=copies[1], capacityRange={'requiredBytes': str(128 * MI)})
    assert grown == {'capacityBytes': str(128 * MI), 'nodeExpansionRequired': True}
    expand = {'volumeId': copies[1], 'volumePath': str(driver.published[copies[1]])}
    if driver.refused('Node/NodeExpandVolume', **expand):   # the kernel wants CAP_SYS_RESOURCE for a file system that is mounted
        driver.unmount(copies[1])
        expand['volumePath'] = str(driver.mount(copies[1]))
        driver.call('Node/NodeExpandVolume', **expand)
    assert os.statvfs(driver.published[copies[1]]).f_blocks * 4096 > 110 * MI
    assert driver.refused('Controller/DeleteVolume', volumeId=copies[1]) == 'FailedPrecondition'
    for v in (volume, *copies):
        driver.unmount(v)
        driver.delete(v)
    driver.call('Controller/DeleteSnapshot', snapshotId=snapshot)


def test_a_disk(driver):
    volume = driver.create('disk', 16 * MI, DISK)
    target = driver.mount(volume, DISK)
    assert target.is_block_device()
    with open(target, 'r+b') as f:
        f.write(b'raw')
        f.flush()
        os.fsync(f.fileno())
    driver.unmount(volume)
    assert driver.refused('Node/NodeStageVolume', volumeId=volume, stagingTargetPath=str(driver.folder / 's'), volumeCapability=WRITER) == 'InvalidArgument'
    with open(driver.mount(volume, DISK), 'rb') as f:
        assert f.read(3) == b'raw'
    driver.unmount(volume)
    driver.delete(volume)


def test_read_only(driver):
    volume = driver.create('ro')
    at = driver.mount(volume, readonly=True)
    with pytest.raises(OSError) as failed:
        (at / 'f').write_text('x')
    assert failed.value.errno == errno.EROFS
    driver.unmount(volume)
    driver.delete(volume)


def test_what_a_crash_left_half_done_is_gone(driver):
    volume = driver.create('whole')
    driver.stop()
    half = driver.data / 'work' / volume
    half.mkdir()
    (half / 'image').write_bytes(b'x')
    broken = driver.data / 'volumes' / ('vol-' + '0' * 32)
    broken.mkdir()
    (broken / 'volume.json').write_text('{')
    driver.start()
    assert not half.exists() and broken.exists()
    assert [e['volume']['volumeId'] for e in driver.call('Controller/ListVolumes')['entries']] == [volume]
    driver.delete(volume)
    shutil.rmtree(broken)


def test_a_stage_that_ended_halfway_is_finished(driver):
    volume = driver.create('fresh')
    stage = driver.folder / f'stage-{volume}'
    driver.mount(volume)
    record = driver.data / 'volumes' / volume / 'volume.json'
    driver.stop(sig=signal.SIGKILL)
    stage.chmod(0o755)     # as a driver leaves it that ends after the mount
    record.write_text(json.dumps({**json.loads(record.read_text()), 'fresh': True}))
    driver.start()
    driver.mount(volume)
    assert stage.stat().st_mode & 0o7777 == 0o777 and json.loads(record.read_text())['fresh'] is False
    stage.chmod(0o750)
    driver.mount(volume)
    assert stage.stat().st_mode & 0o7777 == 0o750, 'once'
    driver.unmount(volume)
    driver.delete(volume)


@pytest.mark.parametrize('capability', [WRITER, DISK], ids=['mount', 'block'])
def test_unpublish_touches_its_own_alone(driver, capability):
    volume, other = driver.create('mine', 16 * MI, capability), driver.create('other', 16 * MI)
    at, beside = driver.mount(volume, capability), driver.mount(other)
    (beside / 'f').write_text('kept')
    data, full, empty = driver.folder / 'data-file', driver.folder / 'full', driver.folder / 'empty'
    data.write_text('precious')
    full.mkdir()
    (full / 'f').write_text('precious')
    for volume_id in (volume, 'vol-' + '0' * 32):
        for path in (beside, data, full):
            assert driver.refused('Node/NodeUnpublishVolume', volumeId=volume_id, targetPath=str(path)) == 'FailedPrecondition'
        empty.touch()
        driver.call('Node/NodeUnpublishVolume', volumeId=volume_id, targetPath=str(empty))
        assert not empty.exists(), 'what a bind mount lay on'
    assert driver.refused('Node/NodeUnstageVolume', volumeId='vol-' + '0' * 32, stagingTargetPath=str(driver.staged[other])) == 'FailedPrecondition'
    assert data.read_text() == 'precious' and (full / 'f').read_text() == 'precious' and (beside / 'f').read_text() == 'kept' and at.exists()
    driver.unmount(volume)
    driver.unmount(other)
    driver.delete(volume)
    driver.delete(other)


def test_paths_on_one_file_system_share_its_room(tmp_path):
    driver = LocalDriver(tmp_path, f'--path=second={tmp_path}/second').start()
    try:
        def room(path):
            return int(driver.call('Controller/GetCapacity', parameters={'path': path}).get('availableCapacity', 0))
        before, size = room('second'), 4 << 30
        volume = driver.create('v', size)
        assert before - room('second') > size // 2 and abs(room('second') - room('default')) < size // 4
        driver.delete(volume)
        assert before - room('second') < size // 4
    finally:
        driver.stop()


def test_the_same_name_with_another_class(driver):
    volume = driver.create('v', 64 * MI, parameters={'minSize': '32Mi', 'maxSize': '1Gi'})
    assert driver.create('v', 64 * MI, parameters={'minSize': '32Mi', 'maxSize': '1Gi'}) == volume
    for parameters in ({}, {'minSize': '32Mi', 'maxSize': '2Gi'}, {'minSize': '16Mi', 'maxSize': '1Gi'}):
        assert driver.refused('Controller/CreateVolume', name='v', volumeCapabilities=[WRITER], parameters=parameters) == 'AlreadyExists'
    driver.delete(volume)


def test_a_staged_disk_is_in_use(driver):
    volume = driver.create('disk', 16 * MI, DISK)
    stage = {'volumeId': volume, 'stagingTargetPath': str(driver.folder / 's')}
    driver.call('Node/NodeStageVolume', **stage, volumeCapability=DISK)
    assert driver.refused('Controller/DeleteVolume', volumeId=volume) == 'FailedPrecondition'
    driver.call('Node/NodeUnstageVolume', **stage)
    driver.delete(volume)


@pytest.mark.parametrize('arguments, said', [
    ([], '--endpoint is required'), (['--endpoint=x'], '--endpoint is required'), (['--endpoint=/tmp/x.sock'], '--path is required'),
    (['--endpoint=/tmp/x.sock', '--path=/d'], '--path is NAME=VALUE'), (['--endpoint=/tmp/x.sock', '--path=a=d'], 'no absolute path'),
    (['--endpoint=/tmp/x.sock', '--path=a=/tmp/d', '--capacity=b=1Gi'], '--capacity is of no --path'),
    (['--endpoint=/tmp/x.sock', '--path=a=/tmp/d', '--capacity=a=much'], 'no size')])
def test_flags_that_are_refused(arguments, said):
    done = subprocess.run([pintle_binary(), 'csi-local', *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count('\n') == 1


def test_a_second_driver_of_a_folder_is_refused(driver):
    done = subprocess.run([pintle_binary(), 'csi-local', f'--endpoint={driver.folder}/other.sock', f'--path=default={driver.data}'], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and 'is in use by another process' in done.stderr
