"""Deployments and ReplicaSets."""


def _deployment(c, replicas=3, way='', extra='', image='registry.example/c:1'):
    return c.make(f'''
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: d}}}}{extra}
  template:
    metadata: {{labels: {{app: d}}, annotations: {{hollow: "{way}"}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: c, image: "{image}"}}]
''')


def _image(c, image, way=''):
    c.patch('Deployment', 'd', {'spec': {'template': {'metadata': {'annotations': {'hollow': way}}, 'spec': {'containers': [{'name': 'c', 'image': image}]}}}})


def _rolled(c, count):
    def there():
        d = c.get('Deployment', 'd')
        s = d['status']
        return s.get('observedGeneration') == d['metadata']['generation'] and s.get('updatedReplicas', 0) == s.get('replicas', 0) == s.get('availableReplicas', 0) == count
    return there


def rolls(c):
    _deployment(c)
    c.wait(_rolled(c, 3), 'three')
    _image(c, 'registry.example/c:2')
    c.wait(_rolled(c, 3), 'three updated')


def recreates(c):
    _deployment(c, extra='\n  strategy: {type: Recreate}')
    c.wait(_rolled(c, 3), 'three')
    _image(c, 'registry.example/c:2')
    c.wait(_rolled(c, 3), 'three updated')


def stuck_and_scaled(c):
    _deployment(c, 4)
    c.wait(_rolled(c, 4), 'four')
    _image(c, 'registry.example/c:2', way='unready')
    c.wait(lambda: c.status('Deployment', 'd').get('updatedReplicas') == 2, 'two updated')
    c.patch('Deployment', 'd', {'spec': {'replicas': 10}})
    c.wait(lambda: c.status('Deployment', 'd').get('replicas') == 13, 'thirteen pods')


def past_its_deadline(c):
    _deployment(c, 1, way='unready', extra='\n  progressDeadlineSeconds: 2')
    c.wait(lambda: c.conditions('Deployment', 'd').get('Progressing') == 'False', 'not progressing')


def paused(c):
    _deployment(c, 2)
    c.wait(_rolled(c, 2), 'two')
    c.patch('Deployment', 'd', {'spec': {'paused': True}})
    _image(c, 'registry.example/c:2')
    c.patch('Deployment', 'd', {'spec': {'replicas': 3}})
    c.wait(lambda: c.status('Deployment', 'd').get('replicas') == 3, 'three pods')


def keeps_some_history(c):
    _deployment(c, 1, extra='\n  revisionHistoryLimit: 1')
    for i in (2, 3, 4):
        c.wait(_rolled(c, 1), 'one')
        _image(c, f'registry.example/c:{i}')
    c.wait(_rolled(c, 1), 'one')
    c.wait(lambda: len(c.list('ReplicaSet')) == 2, 'two ReplicaSets', timeout_s=10)


def rolled_back_by_its_template(c):
    _deployment(c, 1)
    c.wait(_rolled(c, 1), 'one')
    _image(c, 'registry.example/c:2')
    c.wait(_rolled(c, 1), 'updated')
    _image(c, 'registry.example/c:1')
    c.wait(_rolled(c, 1), 'back')


def over_its_quota(c):
    c.make('{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: "1"}}}')
    c.wait(lambda: c.status('ResourceQuota', 'q').get('hard'), 'the quota counts')
    _deployment(c, 2)
    c.wait(lambda: c.conditions('Deployment', 'd').get('ReplicaFailure') == 'True', 'a failure is told')


def selected_by_two(c):
    c.make('''
apiVersion: v1
kind: ReplicationController
metadata: {name: r}
spec:
  replicas: 2
  selector: {app: r}
  template:
    metadata: {labels: {app: r}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "registry.example/c:1"}]}
''')
    c.wait(lambda: c.status('ReplicationController', 'r').get('availableReplicas') == 2, 'two')
    pod = c.list('Pod')[0]['metadata']['name']
    c.patch('Pod', pod, {'metadata': {'labels': {'app': 'other'}}})
    c.wait(lambda: len(c.list('Pod')) == 3, 'a third pod')
