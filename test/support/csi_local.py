"""`pintle csi-local` by itself, and calls of it by the published Go interfaces."""
import json
import pathlib
import subprocess

from .cluster import Process, pintle_binary
from .csi import call_program
from .nodes import await_true

WRITER = {'mount': {}, 'accessMode': {'mode': 'SINGLE_NODE_WRITER'}}
DISK = {'block': {}, 'accessMode': {'mode': 'SINGLE_NODE_WRITER'}}
MI = 1 << 20


class Refused(Exception):
    """`code` is gRPC's: "NotFound"."""

    def __init__(self, text):
        super().__init__(text)
        self.code = text.split(':')[0]


class LocalDriver:
    """A driver in a folder, started and stopped at will; its volumes stay."""

    def __init__(self, folder, *flags):
        self.folder, self.flags = folder, flags
        self.data, self.socket = folder / 'data', folder / 'csi.sock'
        self.log = folder / 'driver.log'
        self.process = None
        self.staged, self.published = {}, {}

    def start(self):
        self.process = Process([pintle_binary(), 'csi-local', f'--endpoint={self.socket}', '--node-name=n1', f'--path=default={self.data}', *self.flags], self.log)
        await_true('the driver', lambda: self.socket.exists() and not self.refused('Identity/Probe'))
        return self

    def stop(self, **how):
        self.process.stop(**how)

    def call(self, method, **request):
        done = subprocess.run([call_program(), str(self.socket), method, json.dumps(request)], capture_output=True, text=True)
        if done.returncode:
            raise Refused(done.stderr.strip())
        return json.loads(done.stdout)

    def refused(self, method, **request):
        """The code of its error; None: there was none."""
        try:
            self.call(method, **request)
        except Refused as e:
            return e.code
        return None

    def create(self, name, size=64 * MI, capability=WRITER, **more):
        return self.call('Controller/CreateVolume', name=name, volumeCapabilities=[capability], capacityRange={'requiredBytes': str(size)}, **more)['volume']['volumeId']

    def mount(self, volume, capability=WRITER, readonly=False):
        """Staged and published: where."""
        stage, target = self.folder / f'stage-{volume}', self.folder / f'target-{volume}'
        self.call('Node/NodeStageVolume', volumeId=volume, stagingTargetPath=str(stage), volumeCapability=capability)
        self.staged[volume] = stage
        self.call('Node/NodePublishVolume', volumeId=volume, stagingTargetPath=str(stage), targetPath=str(target), volumeCapability=capability, readonly=readonly)
        self.published[volume] = target
        return target

    def unmount(self, volume):
        self.call('Node/NodeUnpublishVolume', volumeId=volume, targetPath=str(self.published.pop(volume)))
        self.call('Node/NodeUnstageVolume', volumeId=volume, stagingTargetPath=str(self.staged.pop(volume)))

    def delete(self, volume):
        self.call('Controller/DeleteVolume', volumeId=volume)

    def left(self):
        """What there still is: files of volumes and snapshots, mounts, loop devices."""
        files = [str(p) for kind in ('volumes', 'snapshots', 'work') for p in (self.data / kind).iterdir()]
        mounts = [line for line in pathlib.Path('/proc/mounts').read_text().splitlines() if f'{self.folder}/' in line]
        loops = [str(p) for p in pathlib.Path('/sys/block').glob('loop*/loop/backing_file') if f'{self.folder}/' in p.read_text()]
        return files + mounts + loops
