"""Volumes of CSI drivers on nodes; the attacher's part is the scenario's."""
import time

IN_USE_S = 3     # so long a volume that its node uses is looked at: it must stay
EBS = 'vol-0123456789abcdef0'


def _volume(c, name='v', modes='[ReadWriteOnce]', source=''):
    """A bound claim, and its volume NAMESPACE-NAME, of the driver NAMESPACE.example."""
    c.make(f'''
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec: {{accessModes: {modes}, storageClassName: "", volumeName: NAMESPACE-{name}, resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: NAMESPACE-{name}}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: {modes}
  claimRef: {{namespace: NAMESPACE, name: {name}}}
  {source or 'csi: {driver: NAMESPACE.example, volumeHandle: handle}'}
''')


def _pod(c, name, node, claim='v'):
    c.make(f'''
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 1
  containers: [{{name: c, image: "registry.example/c:1"}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: {claim}}}}}]
''')


def _attachments(c, name='v'):
    """Those of the volume, by node."""
    return {a['spec']['nodeName']: a for a in c.list('VolumeAttachment') if a['spec']['source'].get('persistentVolumeName') == f'{c.namespace}-{name}'}


def _say(c, node, status, name='v'):
    """What the attacher says of the attachment, when it is there."""
    if c.wait(lambda: node in _attachments(c, name), f'the attachment to {node}'):
        c.patch('VolumeAttachment', _attachments(c, name)[node]['metadata']['name'], {'status': status}, 'status')


def _attached_on(c, node, handle=''):
    """What the node's status tells of the scenario's volumes."""
    return [v for v in c.status('Node', node).get('volumesAttached') or [] if (handle or f'{c.namespace}.example') in v['name']]


def _attached(c, node, handle=''):
    return c.wait(lambda: _attached_on(c, node, handle), f'{node} has it')


def attached_and_detached(c):
    _volume(c)
    _pod(c, 'p', 'hollow-0')
    c.wait(lambda: _attachments(c), 'an attachment')
    for attachment in _attachments(c).values():
        c.observe(f'{attachment["metadata"]["name"]} {attachment["spec"]}')
    c.observe(f'before it is attached: {_attached_on(c, "hollow-0")}')
    _say(c, 'hollow-0', {'attached': True})
    _attached(c, 'hollow-0')
    c.observe(f'then: {_attached_on(c, "hollow-0")}')
    c.delete('Pod', 'p')
    c.wait(lambda: not _attachments(c), 'the end of the attachment')
    c.wait(lambda: not _attached_on(c, 'hollow-0'), 'the node has it no more')


def used_by_its_node(c):
    _volume(c)
    _pod(c, 'p', 'hollow-1')
    _say(c, 'hollow-1', {'attached': True})
    _attached(c, 'hollow-1')
    c.patch('Node', 'hollow-1', {'status': {'volumesInUse': [f'kubernetes.io/csi/{c.namespace}.example^handle']}}, 'status')
    c.delete('Pod', 'p')
    c.wait(lambda: not c.get('Pod', 'p'), 'the pod is gone')
    time.sleep(IN_USE_S)
    c.observe(f'in use: {list(_attachments(c))} {_attached_on(c, "hollow-1")}')
    c.patch('Node', 'hollow-1', {'status': {'volumesInUse': None}}, 'status')
    c.wait(lambda: not _attachments(c), 'the end of the attachment')


def on_one_node_alone(c):
    _volume(c)
    _pod(c, 'first', 'hollow-0')
    _say(c, 'hollow-0', {'attached': True})
    _attached(c, 'hollow-0')
    _pod(c, 'second', 'hollow-2')
    c.wait(lambda: [e for e in c.list('Event') if e['reason'] == 'FailedAttachVolume'], 'the second is told')
    c.observe(f'attached to: {list(_attachments(c))}')
    c.delete('Pod', 'first')
    _say(c, 'hollow-2', {'attached': True})
    _attached(c, 'hollow-2')
    c.observe(f'attached to: {list(_attachments(c))}')


def on_several_nodes(c):
    _volume(c, modes='[ReadWriteMany]')
    for i in (0, 2):
        _pod(c, f'p-{i}', f'hollow-{i}')
        _say(c, f'hollow-{i}', {'attached': True})
        _attached(c, f'hollow-{i}')
    c.observe(f'attached to: {sorted(_attachments(c))}')


def the_attacher_fails(c):
    _volume(c)
    _pod(c, 'p', 'hollow-0')
    _say(c, 'hollow-0', {'attached': False, 'attachError': {'message': 'no such disk'}})
    c.wait(lambda: [e for e in c.list('Event') if e['reason'] == 'FailedAttachVolume'], 'the pod is told')
    _say(c, 'hollow-0', {'attached': True, 'attachError': None})
    _attached(c, 'hollow-0')


def a_driver_that_needs_no_attachment(c):
    c.make('{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: NAMESPACE.example}, spec: {attachRequired: false}}')
    _volume(c)
    _pod(c, 'p', 'hollow-0')
    c.wait(lambda: c.status('PersistentVolumeClaim', 'v').get('phase') == 'Bound', 'the claim is bound')
    time.sleep(IN_USE_S)
    c.observe(f'attached to: {list(_attachments(c))}')


def of_a_plugin_that_became_a_driver(c):
    _volume(c, source=f'awsElasticBlockStore: {{volumeID: "aws://eu-1a/{EBS}"}}')
    _pod(c, 'p', 'hollow-0')
    c.wait(lambda: _attachments(c), 'an attachment')
    for attachment in _attachments(c).values():
        c.observe(f'{attachment["metadata"]["name"]} {attachment["spec"]}')
    _say(c, 'hollow-0', {'attached': True})
    _attached(c, 'hollow-0', EBS)
    c.observe(f'then: {_attached_on(c, "hollow-0", EBS)}')
    c.delete('Pod', 'p')
    c.wait(lambda: not _attachments(c), 'the end of the attachment')
