"""Jobs: counts, limits, suspension, policies, adoption."""


def _job(c, name='j', way='', policy='Never', labels='', **spec):
    extra = ''.join(f'\n  {key}: {value}' for key, value in spec.items())
    return c.make(f'''
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:{extra}
  template:
    metadata: {{annotations: {{hollow: "{way}"}}, labels: {{{labels}}}}}
    spec:
      restartPolicy: {policy}
      terminationGracePeriodSeconds: 1
      containers: [{{name: c, image: "registry.example/c:1"}}]
''')


def _active(c, name='j'):
    return c.status('Job', name).get('active', 0)


def _pods(c):
    return [p for p in c.list('Pod') if not p['metadata'].get('deletionTimestamp')]


def _running(c, count):
    return lambda: sum(p['status'].get('phase') == 'Running' for p in _pods(c)) == count


def _ended(c, name='j'):
    return lambda: c.conditions('Job', name).get('Complete') == 'True' or c.conditions('Job', name).get('Failed') == 'True'


def completes(c):
    _job(c, completions=3, parallelism=2)
    c.wait(_ended(c), 'the end')


def indexed_completes(c):
    _job(c, completions=3, parallelism=3, completionMode='Indexed')
    c.wait(_ended(c), 'the end')


def fails_at_its_limit(c):
    _job(c, way='exit 1', backoffLimit=0)
    c.wait(_ended(c), 'the end')


def suspended_while_running(c):
    _job(c, way='runs', parallelism=8, backoffLimit=2)
    c.wait(_running(c, 8), 'eight run')
    c.patch('Job', 'j', {'spec': {'suspend': True}})
    c.wait(lambda: not c.list('Pod'), 'all pods gone')


def suspended_and_resumed(c):
    _job(c, way='runs', parallelism=2, suspend='true')
    c.wait(lambda: c.conditions('Job', 'j').get('Suspended') == 'True', 'suspended')
    c.patch('Job', 'j', {'spec': {'suspend': False}})
    c.wait(_running(c, 2), 'two run')


def parallelism_lowered(c):
    _job(c, way='runs', parallelism=9, backoffLimit=2)
    c.wait(_running(c, 9), 'nine run')
    c.patch('Job', 'j', {'spec': {'parallelism': 1}})
    c.wait(lambda: len(c.list('Pod')) == 1 and _active(c) == 1, 'one is left')


def nothing_to_complete_while_suspended(c):
    _job(c, completions=0, suspend='true')
    c.wait(_ended(c), 'the end', timeout_s=15)


def done_then_suspended(c):
    _job(c, way='held', completions=1)
    c.wait(lambda: len(_pods(c)) == 1, 'a pod')
    c.patch('Job', 'j', {'spec': {'suspend': True}})
    c.wait(lambda: not c.list('Pod'), 'no pod')


def an_unscheduled_pod_deleted(c):
    c.make('''
apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec:
  podReplacementPolicy: Failed
  backoffLimit: 3
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {no: such}
      containers: [{name: c, image: "registry.example/c:1"}]
''')
    c.wait(lambda: len(_pods(c)) == 1, 'a pod')
    first = _pods(c)[0]
    c.delete('Pod', first['metadata']['name'])
    c.wait(lambda: any(p['metadata']['uid'] != first['metadata']['uid'] for p in _pods(c)), 'another pod')


def a_policy_ignores_what_was_disrupted(c):
    _job(c, way='runs', parallelism=1, backoffLimit=0,
         podFailurePolicy='{rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}, {action: FailJob, onExitCodes: {operator: In, values: [42]}}]}')
    c.wait(_running(c, 1), 'one runs')


def a_policy_fails_the_job(c):
    _job(c, way='exit 42', backoffLimit=6, podFailurePolicy='{rules: [{action: FailJob, onExitCodes: {operator: In, values: [42]}}]}')
    c.wait(_ended(c), 'the end')


def success_policy(c):
    _job(c, completions=3, parallelism=1, completionMode='Indexed', successPolicy='{rules: [{succeededIndexes: "0"}]}')
    c.wait(_ended(c), 'the end')


def backoff_per_index(c):
    _job(c, way='exit 1', completions=2, parallelism=2, completionMode='Indexed', backoffLimitPerIndex=0)
    c.wait(_ended(c), 'the end')


def deadline_passes(c):
    _job(c, way='runs', activeDeadlineSeconds=2)
    c.wait(_ended(c), 'the end')
    c.wait(lambda: not c.list('Pod'), 'no pod is left', timeout_s=10)


def goes_when_its_time_to_live_ends(c):
    _job(c, completions=1, ttlSecondsAfterFinished=1)
    c.wait(lambda: c.get('Job', 'j') is None, 'the Job is removed')


def a_pod_deleted_is_replaced(c):
    _job(c, way='runs', parallelism=1)
    c.wait(_running(c, 1), 'one runs')
    first = _pods(c)[0]['metadata']
    c.delete('Pod', first['name'])
    c.wait(lambda: any(p['metadata']['uid'] != first['uid'] for p in _pods(c)), 'another pod', timeout_s=20)
    c.wait(_running(c, 1), 'it runs')


def adopts_a_pod(c):
    job = _job(c, way='runs', parallelism=1, suspend='true')
    uid = job['metadata']['uid']
    c.wait(lambda: c.conditions('Job', 'j').get('Suspended') == 'True', 'suspended')
    c.make(f'''
apiVersion: v1
kind: Pod
metadata: {{name: orphan, annotations: {{hollow: runs}}, labels: {{batch.kubernetes.io/controller-uid: {uid}, controller-uid: {uid}, batch.kubernetes.io/job-name: j, job-name: j}}}}
spec: {{restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [{{name: c, image: "registry.example/c:1"}}]}}
''')
    c.patch('Job', 'j', {'spec': {'suspend': False}})
    c.wait(lambda: _active(c) == 1, 'one is active')
    c.wait(lambda: (c.get('Pod', 'orphan') or {}).get('metadata', {}).get('ownerReferences'), 'adopted')


def labels_equal_to_the_templates(c):
    _job(c, labels='app: x', completions=1)
    c.wait(_ended(c), 'the end')


def an_orphan_is_let_go(c):
    _job(c, way='runs', parallelism=1)
    c.wait(_running(c, 1), 'one runs')
    c.delete('Job', 'j', propagationPolicy='Orphan')
    c.wait(lambda: c.get('Job', 'j') is None, 'the Job is removed')
    c.wait(lambda: _pods(c) and not _pods(c)[0]['metadata'].get('finalizers'), 'the pod is let go')


def removed_with_its_pods(c):
    _job(c, way='runs', parallelism=2)
    c.wait(_running(c, 2), 'two run')
    c.delete('Job', 'j', propagationPolicy='Foreground')
    c.wait(lambda: c.get('Job', 'j') is None and not c.list('Pod'), 'all removed')


def managed_by_another(c):
    _job(c, parallelism=1, managedBy='example.com/other')
