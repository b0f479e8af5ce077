"""StatefulSets: order, partitions, claims, ordinals."""

CLAIMS = '''
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Mi}}}'''


def _set(c, replicas=2, way='', image='registry.example/c:1', extra='', name='s'):
    return c.make(f'''
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  serviceName: {name}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}, annotations: {{hollow: "{way}"}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: c, image: "{image}"}}]{extra}
''')


def _image(c, image, name='s'):
    c.patch('StatefulSet', name, {'spec': {'template': {'spec': {'containers': [{'name': 'c', 'image': image}]}}}})


def _ready(c, count, name='s'):
    return lambda: c.status('StatefulSet', name).get('readyReplicas', 0) == count and len(c.list('Pod')) == count


def _updated(c, count, name='s'):
    def there():
        s = c.status('StatefulSet', name)
        return s.get('updatedReplicas', 0) == count and s.get('readyReplicas', 0) == s.get('replicas') and s.get('observedGeneration') == c.get('StatefulSet', name)['metadata']['generation']
    return there


def rolls(c):
    _set(c, 3)
    c.wait(_ready(c, 3), 'three ready')
    _image(c, 'registry.example/c:2')
    c.wait(_updated(c, 3), 'three updated')
    c.wait(lambda: c.status('StatefulSet', 's').get('currentRevision') == c.status('StatefulSet', 's').get('updateRevision'), 'one revision')


def rolls_to_its_partition(c):
    _set(c, 3, extra='\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}')
    c.wait(_ready(c, 3), 'three ready')
    _image(c, 'registry.example/c:2')
    c.wait(_updated(c, 1), 'one updated')


def a_partition_beyond_all_numbers(c):
    _set(c, 2, extra='\n  ordinals: {start: 1}\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2147483647}}')
    c.wait(_ready(c, 2), 'two ready')
    _image(c, 'registry.example/c:2')


def a_strategy_without_partition(c):
    _set(c, 1, extra='\n  updateStrategy: {type: RollingUpdate}')
    c.wait(_ready(c, 1), 'one ready')


def on_delete(c):
    _set(c, 2, extra='\n  updateStrategy: {type: OnDelete}')
    c.wait(_ready(c, 2), 'two ready')
    _image(c, 'registry.example/c:2')
    c.delete('Pod', 's-1')
    c.wait(_updated(c, 1), 'one updated')


def in_parallel_with_unready(c):
    _set(c, 3, way='unready', extra='\n  podManagementPolicy: Parallel')
    c.wait(lambda: len(c.list('Pod')) == 3, 'three pods')


def in_order_with_unready(c):
    _set(c, 3, way='unready')
    c.wait(lambda: len(c.list('Pod')) == 1, 'one pod')


def scaled_down_keeps_claims(c):
    _set(c, 2, way='', extra='\n  podManagementPolicy: Parallel' + CLAIMS)
    c.wait(lambda: len(c.list('PersistentVolumeClaim')) == 2, 'two claims')
    c.patch('StatefulSet', 's', {'spec': {'replicas': 1}})
    c.wait(lambda: len(c.list('Pod')) == 1, 'one pod')


def scaled_down_deletes_claims(c):
    _set(c, 2, extra='\n  podManagementPolicy: Parallel\n  persistentVolumeClaimRetentionPolicy: {whenScaled: Delete, whenDeleted: Retain}' + CLAIMS)
    c.wait(lambda: len(c.list('PersistentVolumeClaim')) == 2, 'two claims')
    c.patch('StatefulSet', 's', {'spec': {'replicas': 1}})
    c.wait(lambda: len(c.list('PersistentVolumeClaim')) == 1, 'one claim')


def claims_below_the_first_ordinal(c):
    _set(c, 2, extra='\n  podManagementPolicy: Parallel\n  persistentVolumeClaimRetentionPolicy: {whenScaled: Delete, whenDeleted: Retain}' + CLAIMS)
    c.wait(lambda: len(c.list('PersistentVolumeClaim')) == 2, 'two claims')
    c.patch('StatefulSet', 's', {'spec': {'ordinals': {'start': 5}}})
    c.wait(lambda: sorted(x['metadata']['name'] for x in c.list('PersistentVolumeClaim')) == ['data-s-5', 'data-s-6'], 'the claims of 5 and 6')


def deleted_with_claims(c):
    _set(c, 2, extra='\n  podManagementPolicy: Parallel\n  persistentVolumeClaimRetentionPolicy: {whenScaled: Retain, whenDeleted: Delete}' + CLAIMS)
    c.wait(lambda: len(c.list('PersistentVolumeClaim')) == 2, 'two claims')
    c.wait(lambda: all(x['metadata'].get('ownerReferences') for x in c.list('PersistentVolumeClaim')), 'owned claims')


def adopts(c):
    _set(c, 2)
    c.wait(_ready(c, 2), 'two ready')
    c.delete('StatefulSet', 's', propagationPolicy='Orphan')
    c.wait(lambda: c.get('StatefulSet', 's') is None, 'it has gone')
    _set(c, 2)
    c.wait(_ready(c, 2), 'two ready again')


def keeps_some_revisions(c):
    _set(c, 1, extra='\n  revisionHistoryLimit: 1')
    c.wait(_ready(c, 1), 'one ready')
    for i in (2, 3, 4):
        _image(c, f'registry.example/c:{i}')
        c.wait(_updated(c, 1), f'updated to {i}')
    c.wait(lambda: len(c.list('ControllerRevision')) == 2, 'two revisions', timeout_s=10)


def over_its_quota(c):
    c.make('{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: "0"}}}')
    c.wait(lambda: c.status('ResourceQuota', 'q').get('hard'), 'the quota counts')
    _set(c, 1)
    c.wait(lambda: any(e['reason'] == 'FailedCreate' for e in c.list('Event')), 'it is told')


def claims_over_their_quota(c):
    c.make('{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {persistentvolumeclaims: "0"}}}')
    c.wait(lambda: c.status('ResourceQuota', 'q').get('hard'), 'the quota counts')
    _set(c, 1, extra=CLAIMS)
    c.wait(lambda: any(e['reason'] == 'FailedCreate' for e in c.list('Event')), 'it is told')
