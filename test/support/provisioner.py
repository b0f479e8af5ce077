"""A default storage class whose volumes are folders of this machine, which all nodes of a test's cluster share: an external provisioner
in a few lines, for clusters of any make."""
import json
import pathlib
import shutil
import subprocess
import threading

NAME = 'test.pintle/folders'
CLASS = 'folders'


def volume_name(claim):
    return f'pvc-{claim["metadata"]["uid"]}'


def wanted(claim):
    """A claim that the binder has handed to this provisioner and that has no volume yet."""
    annotations = claim['metadata'].get('annotations', {})
    return annotations.get('volume.kubernetes.io/storage-provisioner') == NAME and not claim['spec'].get('volumeName') and 'deletionTimestamp' not in claim['metadata']


def done_with(volume):
    """A volume of ours whose claim is gone."""
    by = volume['metadata'].get('annotations', {}).get('pv.kubernetes.io/provisioned-by')
    return by == NAME and volume.get('status', {}).get('phase') == 'Released' and 'deletionTimestamp' not in volume['metadata']


class Provisioner:
    """Follows claims and volumes by two watches until stop()."""

    def __init__(self, kubectl, folder):
        self.kubectl, self.folder = kubectl, pathlib.Path(folder)
        self.stopped, self.watches, self.threads = False, {}, []

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.kubectl.apply({'apiVersion': 'storage.k8s.io/v1', 'kind': 'StorageClass', 'provisioner': NAME, 'reclaimPolicy': 'Delete', 'volumeBindingMode': 'Immediate',
                            'metadata': {'name': CLASS, 'annotations': {'storageclass.kubernetes.io/is-default-class': 'true'}}})
        for kind, handle in (('persistentvolumeclaims', self.provide), ('persistentvolumes', self.take_back)):
            thread = threading.Thread(target=self.follow, args=(kind, handle), daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def stop(self):
        self.stopped = True
        for child in self.watches.values():
            child.terminate()
        for thread in self.threads:
            thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def follow(self, kind, handle):
        """A watch without a version begins with what is there; one that ends is begun again."""
        while not self.stopped:
            with subprocess.Popen([*self.kubectl.base, 'get', '--raw', f'/api/v1/{kind}?watch=true'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
                self.watches[kind] = child
                if self.stopped:
                    child.terminate()
                for line in child.stdout:
                    event = json.loads(line)
                    if event['type'] in ('ADDED', 'MODIFIED'):
                        handle(event['object'])

    def run(self, *args, **kw):
        """A failure means that another event of the same object was before this one, or that its owner was faster."""
        return subprocess.run([*self.kubectl.base, *args], capture_output=True, text=True, **kw)

    def provide(self, claim):
        if not wanted(claim):
            return
        meta, name = claim['metadata'], volume_name(claim)
        path = self.folder / name
        path.mkdir(exist_ok=True)
        path.chmod(0o777)
        volume = {'apiVersion': 'v1', 'kind': 'PersistentVolume', 'metadata': {'name': name, 'annotations': {'pv.kubernetes.io/provisioned-by': NAME}}, 'spec': {
            'capacity': claim['spec']['resources']['requests'], 'accessModes': claim['spec']['accessModes'], 'persistentVolumeReclaimPolicy': 'Delete',
            'storageClassName': CLASS, 'hostPath': {'path': str(path)},
            'claimRef': {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'namespace': meta['namespace'], 'name': meta['name'], 'uid': meta['uid']}}}
        self.run('create', '-f', '-', input=json.dumps(volume))

    def take_back(self, volume):
        if done_with(volume):
            name = volume['metadata']['name']
            self.run('delete', 'persistentvolume', name, '--wait=false')
            shutil.rmtree(self.folder / name, ignore_errors=True)
