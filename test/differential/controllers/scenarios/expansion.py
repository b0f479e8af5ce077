"""Claims that ask for more than they have."""


def _bound(c, source):
    name = f'{c.namespace}-x'
    c.extra += [('StorageClass', name), ('PersistentVolume', name)]
    c.make(f'{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}}}, provisioner: example.com/none, allowVolumeExpansion: true}}')
    c.make(f'''
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec: {{capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], storageClassName: {name}, {source}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: c}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: {name}, volumeName: {name}, resources: {{requests: {{storage: 1Gi}}}}}}
''')
    c.wait(lambda: c.status('PersistentVolumeClaim', 'c').get('phase') == 'Bound', 'it is bound')


def _asks_for_more(c):
    c.patch('PersistentVolumeClaim', 'c', {'spec': {'resources': {'requests': {'storage': '2Gi'}}}})
    c.wait(lambda: any(e['reason'] == 'ExternalExpanding' for e in c.list('Event')), 'somebody says who sees to it')


def of_a_driver(c):
    _bound(c, 'csi: {driver: example.com, volumeHandle: h}')
    _asks_for_more(c)


def of_the_host(c):
    _bound(c, 'hostPath: {path: /var/empty}')
    _asks_for_more(c)


def of_a_plugin_that_became_a_driver(c):
    _bound(c, 'awsElasticBlockStore: {volumeID: vol-1}')
    _asks_for_more(c)
    c.wait(lambda: 'volume.kubernetes.io/storage-resizer' in c.get('PersistentVolumeClaim', 'c')['metadata'].get('annotations', {}), 'the driver is named')
