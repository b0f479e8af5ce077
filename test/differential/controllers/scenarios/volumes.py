"""What becomes of volumes whose claims have gone, or have gone elsewhere, and classes that the manager serves itself."""
import pathlib
import shutil
import tempfile


def _folder(c):
    """A folder of this machine that both clusters call by the same name."""
    folder = pathlib.Path(tempfile.gettempdir()) / 'pintle-volumes' / c.namespace
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _bound(c, source, policy, more=''):
    # A class of its own: no other scenario's claim takes the volume.
    name = f'{c.namespace}-v'
    c.extra.append(('PersistentVolume', name))
    c.make(f'''
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}{more}}}
spec: {{capacity: {{storage: 3Gi}}, accessModes: [ReadWriteOnce], storageClassName: {c.namespace}, persistentVolumeReclaimPolicy: {policy}, {source}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: c}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: {c.namespace}, volumeName: {name}, resources: {{requests: {{storage: 1Gi}}}}}}
''')
    c.wait(lambda: c.status('PersistentVolumeClaim', 'c').get('phase') == 'Bound', 'it is bound')
    return name


def _phase(c, name):
    return c.status('PersistentVolume', name).get('phase')


def _events(c, name):
    """Of what has no namespace: the default one's."""
    path = f'/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D{name}'
    return sorted({f"{e['type']} {e['reason']}: {e['message']}" for e in c.client.call('GET', path)['items']})


def _watch_released(c, name, phase):
    c.delete('PersistentVolumeClaim', 'c')
    c.wait(lambda: _phase(c, name) == phase, f'it is {phase}')
    c.settle()
    for event in _events(c, name):
        c.observe(event)


def a_host_path_is_deleted(c):
    folder = _folder(c)
    (folder / 'deep' / 'er').mkdir(parents=True)
    (folder / 'deep' / 'file').write_text('x')
    (folder / 'link').symlink_to('/etc')
    name = _bound(c, f'hostPath: {{path: {folder}}}', 'Delete')
    c.delete('PersistentVolumeClaim', 'c')
    c.wait(lambda: not folder.exists(), 'its folder goes')
    c.wait(lambda: c.get('PersistentVolume', name) is None, 'it goes')


def a_host_path_that_is_not_there_is_deleted(c):
    name = _bound(c, f'hostPath: {{path: {_folder(c)}}}', 'Delete')
    c.delete('PersistentVolumeClaim', 'c')
    c.wait(lambda: c.get('PersistentVolume', name) is None, 'it goes')


def a_host_path_elsewhere_is_not_deleted(c):
    name = _bound(c, 'hostPath: {path: /var/empty/pintle}', 'Delete')
    _watch_released(c, name, 'Failed')


def what_no_plugin_deletes(c):
    name = _bound(c, 'nfs: {server: s, path: /p}', 'Delete')
    _watch_released(c, name, 'Failed')


def what_no_plugin_recycles(c):
    name = _bound(c, 'iscsi: {targetPortal: 127.0.0.1, iqn: iqn.2001-04.com.example, lun: 0}', 'Recycle')
    _watch_released(c, name, 'Failed')


def a_host_path_is_recycled(c):
    name = _bound(c, f'hostPath: {{path: {_folder(c)}}}', 'Recycle')
    pod = f'/api/v1/namespaces/default/pods/recycler-for-{name}'
    c.client.call('POST', '/api/v1/namespaces/default/pods', {
        'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': f'recycler-for-{name}', 'annotations': {'hollow': 'runs'}},
        'spec': {'containers': [{'name': 'x', 'image': 'x'}], 'terminationGracePeriodSeconds': 0}})
    c.delete('PersistentVolumeClaim', 'c')
    c.wait(lambda: _phase(c, name) == 'Failed', 'an old pod is in the way')
    c.observe(c.status('PersistentVolume', name).get('message'))
    c.wait(lambda: _phase(c, name) == 'Available', 'it is free again', timeout_s=60)
    c.wait(lambda: c.client.call('GET', pod, ok=(200, 404)).get('kind') == 'Status', 'its pod goes')
    for event in _events(c, name):
        if 'Recycler pod: Successfully assigned' not in event:
            c.observe(event)


def a_claim_that_is_bound_elsewhere(c):
    _bound(c, 'hostPath: {path: /var/empty/a}', 'Retain')
    uid = c.get('PersistentVolumeClaim', 'c')['metadata']['uid']
    for end, annotations in (('byus', '{pv.kubernetes.io/bound-by-controller: "yes"}'), ('byuser', '{}'), ('made', '{pv.kubernetes.io/provisioned-by: example.com/x}')):
        name = f'{c.namespace}-{end}'
        c.extra.append(('PersistentVolume', name))
        c.make(f'''
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}, annotations: {annotations}}}
spec: {{capacity: {{storage: 3Gi}}, accessModes: [ReadWriteOnce], storageClassName: '', persistentVolumeReclaimPolicy: {'Delete' if end == 'made' else 'Retain'}, hostPath: {{path: /var/empty/b}},
  claimRef: {{apiVersion: v1, kind: PersistentVolumeClaim, namespace: NAMESPACE, name: c, uid: {uid}}}}}
''')
        c.wait(lambda: _phase(c, name) == ('Released' if end == 'made' else 'Available'), f'{end} is let go')


def _asks_of_class(c, provisioner, more='', claim='', reason='ProvisioningFailed'):
    name = f'{c.namespace}-s'
    c.extra.append(('StorageClass', name))
    c.make(f'{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}}}, provisioner: {provisioner}{more}}}')
    c.make(f'''
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: c}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: {name}, resources: {{requests: {{storage: 1Gi}}}}{claim}}}
''')
    c.wait(lambda: any(e['reason'] == reason for e in c.list('Event')), f'an event {reason}')


def classes_that_the_manager_cannot_serve(c):
    _asks_of_class(c, 'kubernetes.io/no-provisioner')


def classes_of_a_plugin_that_makes_none(c):
    _asks_of_class(c, 'kubernetes.io/nfs')


def classes_of_no_plugin(c):
    _asks_of_class(c, 'kubernetes.io/nobody')


def classes_of_the_host(c):
    """The manager is told to make these."""
    _asks_of_class(c, 'kubernetes.io/host-path', reason='ProvisioningSucceeded')
    c.wait(lambda: c.status('PersistentVolumeClaim', 'c').get('phase') == 'Bound', 'it is bound')
    name = c.get('PersistentVolumeClaim', 'c')['spec'].get('volumeName', 'none')
    volume = c.get('PersistentVolume', name) or {'metadata': {}, 'spec': {'hostPath': {'path': '/nowhere'}}, 'status': {}}
    path = pathlib.Path(volume['spec']['hostPath']['path'])
    c.observe(f"{volume['metadata'].get('annotations')} {sorted(volume['metadata'].get('finalizers', []))} {path.parent} {path.is_dir() and oct(path.stat().st_mode)}")
    c.observe(f"{sorted(volume['spec'])} {volume['status'].get('phase')}")
    c.delete('PersistentVolumeClaim', 'c')
    c.wait(lambda: not path.exists(), 'its folder goes')
    c.wait(lambda: c.get('PersistentVolume', name) is None, 'it goes')


def classes_of_the_host_for_blocks(c):
    _asks_of_class(c, 'kubernetes.io/host-path', claim=', volumeMode: Block')


def classes_of_the_host_with_mount_options(c):
    _asks_of_class(c, 'kubernetes.io/host-path', more=', mountOptions: [ro, hard]')
