"""DaemonSets: placement, roll-outs, failing pods."""
import time


def _set(c, way='', strategy='', extra=''):
    return c.make(f'''
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: d}}
spec:
  selector: {{matchLabels: {{app: d}}}}
  {strategy}
  template:
    metadata: {{labels: {{app: d}}, annotations: {{hollow: "{way}"}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: c, image: "registry.example/c:1"}}]{extra}
''')


def _image(c, image, way=''):
    c.patch('DaemonSet', 'd', {'spec': {'template': {'metadata': {'annotations': {'hollow': way}}, 'spec': {'containers': [{'name': 'c', 'image': image}]}}}})


def _available(c, count):
    return lambda: c.status('DaemonSet', 'd').get('numberAvailable', 0) == count and len(c.list('Pod')) == count


def _updated(c, count):
    def there():
        s = c.status('DaemonSet', 'd')
        return s.get('updatedNumberScheduled', 0) == count and s.get('observedGeneration') == c.get('DaemonSet', 'd')['metadata']['generation']
    return there


def rolls(c):
    _set(c)
    c.wait(_available(c, 3), 'three available')
    _image(c, 'registry.example/c:2')
    c.wait(lambda: _updated(c, 3)() and _available(c, 3)(), 'three updated')


def surges(c):
    _set(c, strategy='updateStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}')
    c.wait(_available(c, 3), 'three available')
    _image(c, 'registry.example/c:2')
    c.wait(lambda: _updated(c, 3)() and _available(c, 3)(), 'three updated')


def surges_with_what_is_never_ready(c):
    _set(c, strategy='updateStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: "100%", maxUnavailable: 0}}')
    c.wait(_available(c, 3), 'three available')
    # The status tells of the oldest pod of a node, and ages have whole seconds.
    newest = max(pod['metadata']['creationTimestamp'] for pod in c.list('Pod'))
    c.wait(lambda: time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()) > newest, 'a second later')
    _image(c, 'registry.example/c:2', way='unready')
    c.wait(lambda: len(c.list('Pod')) == 6, 'six pods')


def rolls_to_what_is_never_ready(c):
    _set(c)
    c.wait(_available(c, 3), 'three available')
    _image(c, 'registry.example/c:2', way='unready')
    c.wait(lambda: c.status('DaemonSet', 'd').get('updatedNumberScheduled') == 1, 'one updated')


def on_delete(c):
    _set(c, strategy='updateStrategy: {type: OnDelete}')
    c.wait(_available(c, 3), 'three available')
    _image(c, 'registry.example/c:2')


def on_no_node(c):
    _set(c, extra='\n      nodeSelector: {no: such}')


def on_one_node(c):
    _set(c, extra='\n      nodeSelector: {kubernetes.io/hostname: hollow-1}')
    c.wait(_available(c, 1), 'one available')


def a_failed_pod_is_replaced(c):
    _set(c, extra='\n      nodeSelector: {kubernetes.io/hostname: hollow-1}')
    c.wait(_available(c, 1), 'one available')
    pod = c.list('Pod')[0]['metadata']
    c.patch('Pod', pod['name'], {'status': {'phase': 'Failed', 'reason': 'Evicted'}}, 'status')
    c.wait(lambda: [p['metadata']['uid'] != pod['uid'] for p in c.list('Pod')] == [True], 'another pod')
    c.wait(_available(c, 1), 'one available again')


def a_revision_without_its_label(c):
    _set(c)
    c.wait(_available(c, 3), 'three available')
    revision = c.list('ControllerRevision')[0]['metadata']['name']
    c.patch('ControllerRevision', revision, {'metadata': {'labels': {'controller-revision-hash': None}}})
    _image(c, 'registry.example/c:2')
    c.wait(_updated(c, 3), 'three updated')


def orphans_are_adopted(c):
    _set(c)
    c.wait(_available(c, 3), 'three available')
    c.delete('DaemonSet', 'd', propagationPolicy='Orphan')
    c.wait(lambda: c.get('DaemonSet', 'd') is None, 'it has gone')
    _set(c)
    c.wait(_available(c, 3), 'three available again')
