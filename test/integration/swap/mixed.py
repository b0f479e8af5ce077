"""Two hundred workloads of every kind, what is done to them midway, and what is awaited of them: the matrix of matrix_test.py.

Nothing here leaves a choice to the scheduler that would show: the general nodes are large, and what is to fill a node or to leave one
has a node of its own, which a taint keeps free of others."""
ZONE, HOST = 'topology.kubernetes.io/zone', 'kubernetes.io/hostname'
GENERAL = 6
APPS, SETS, DAEMONS, JOBS, CRONS, PODS, LIMITS, OWNERS, SCALERS = NAMESPACES = [f'mix-{n}' for n in ('apps', 'sets', 'daemons', 'jobs', 'crons', 'pods', 'limits', 'owners', 'scalers')]
GONE = [f'mix-gone-{i}' for i in range(3)]


def dedicated(pool):
    return {'key': 'dedicated', 'value': pool, 'effect': 'NoSchedule'}


def only_on(pool):
    """Of a pod's spec: on the pool's node alone."""
    return {'nodeSelector': {'pool': pool}, 'tolerations': [{'key': 'dedicated', 'operator': 'Equal', 'value': pool, 'effect': 'NoSchedule'}]}


# (name, labels, taints, cpu)
NODES = [(f'general-{i}', {'pool': 'general', ZONE: f'zone-{"abc"[i % 3]}'}, [], '64') for i in range(GENERAL)] + [
    (pool, {'pool': pool, ZONE: 'zone-a'}, [dedicated(pool)], '2') for pool in ('small', 'tiny', 'leaving')]


def make(kind, namespace, name, spec=None, version='v1', labels=(), **more):
    out = {'apiVersion': version, 'kind': kind, 'metadata': {'name': name, 'labels': dict(labels)}, **more}
    if namespace:
        out['metadata']['namespace'] = namespace
    return out | ({'spec': spec} if spec is not None else {})


def pod_spec(image='registry.example/app:1', cpu=None, ports=(), **spec):
    container = {'name': 'c', 'image': image, 'ports': list(ports), 'resources': {'requests': {'cpu': cpu}} if cpu else {}}
    return {'containers': [container], 'terminationGracePeriodSeconds': 1, **spec}


def template(app, way='', image='registry.example/app:1', **spec):
    return {'metadata': {'labels': {'app': app}, 'annotations': {'hollow': way} if way else {}}, 'spec': pod_spec(image, **spec)}


def chosen(app):
    return {'matchLabels': {'app': app}}


def pod(name, namespace=PODS, labels=(), way='', **spec):
    out = make('Pod', namespace, name, pod_spec(**spec), labels={'app': name, **dict(labels)})
    out['metadata']['annotations'] = {'hollow': way} if way else {}
    return out


def deployment(name, namespace=APPS, replicas=2, pod=None, **spec):
    return make('Deployment', namespace, name, {'replicas': replicas, 'selector': chosen(name), 'template': template(name, **(pod or {})), **spec}, 'apps/v1', {'app': name})


def stateful_set(name, namespace=SETS, replicas=2, pod=None, **spec):
    return make('StatefulSet', namespace, name, {'serviceName': name, 'replicas': replicas, 'selector': chosen(name), 'template': template(name, **(pod or {})), **spec}, 'apps/v1')


def daemon_set(name, namespace=DAEMONS, pod=None, **spec):
    return make('DaemonSet', namespace, name, {'selector': chosen(name), 'template': template(name, **(pod or {})), **spec}, 'apps/v1')


def job_spec(way='', policy='Never', pod=None, **spec):
    return {'template': {'metadata': {'annotations': {'hollow': way} if way else {}}, 'spec': pod_spec(restartPolicy=policy, **(pod or {}))}, **spec}


def job(name, namespace=JOBS, **spec):
    return make('Job', namespace, name, job_spec(**spec), 'batch/v1')


def cron_job(name, schedule='0 0 31 2 *', namespace=CRONS, work=None, **spec):
    return make('CronJob', namespace, name, {'schedule': schedule, 'jobTemplate': {'spec': job_spec(**(work or {}))}, **spec}, 'batch/v1')


def service(name, namespace=APPS, app=None, **spec):
    return make('Service', namespace, name, {'selector': {'app': app or name}, 'ports': [{'port': 80, 'targetPort': 'http', 'name': 'http'}], **spec})


def claims(name, keep=None, **spec):
    """Of a StatefulSet's spec."""
    return {'volumeClaimTemplates': [{'metadata': {'name': name}, 'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '1Gi'}}, **spec}}],
            **({'persistentVolumeClaimRetentionPolicy': keep} if keep else {})}


def volume(name, storage_class, **spec):
    return make('PersistentVolume', None, name, {'capacity': {'storage': '1Gi'}, 'accessModes': ['ReadWriteOnce'], 'storageClassName': storage_class,
                                                 'persistentVolumeReclaimPolicy': 'Retain', 'csi': {'driver': 'csi.example', 'volumeHandle': name}, **spec})


PORT = {'ports': [{'containerPort': 8080, 'name': 'http'}]}
MOUNTED = {'volumes': [{'name': 'data', 'persistentVolumeClaim': {'claimName': 'data'}}]}


def cluster_wide():
    yield make('PriorityClass', None, 'mix-high', version='scheduling.k8s.io/v1', value=1000)
    yield make('PriorityClass', None, 'mix-low', version='scheduling.k8s.io/v1', value=-10)
    yield make('PriorityClass', None, 'mix-polite', version='scheduling.k8s.io/v1', value=1000, preemptionPolicy='Never')
    for name, mode in (('mix-now', 'Immediate'), ('mix-later', 'WaitForFirstConsumer')):
        yield make('StorageClass', None, name, version='storage.k8s.io/v1', provisioner='kubernetes.io/no-provisioner', volumeBindingMode=mode)
        for i in range(4):
            yield volume(f'{name}-{i}', name)


def deployments():
    for i in range(20):
        yield deployment(f'web-{i}', replicas=i % 4, pod=PORT)
        yield service(f'web-{i}', sessionAffinity='ClientIP' if i % 3 == 0 else 'None', publishNotReadyAddresses=i % 4 == 1, **({'clusterIP': 'None'} if i % 5 == 2 else {}))
    for i, surge, unavailable in ((0, 1, 0), (1, 0, 1), (2, '50%', '25%'), (3, '100%', '100%'), (4, 2, 2)):
        yield deployment(f'rolling-{i}', replicas=4, strategy={'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': surge, 'maxUnavailable': unavailable}})
    for i in range(3):
        yield deployment(f'recreate-{i}', replicas=i + 1, strategy={'type': 'Recreate'})
    yield deployment('paused', paused=True)
    yield deployment('slow', minReadySeconds=2)
    yield deployment('late', progressDeadlineSeconds=3, pod={'way': 'unready'})
    yield deployment('forgets', revisionHistoryLimit=0)
    yield deployment('remembers', revisionHistoryLimit=1)
    yield deployment('nowhere', pod={'nodeSelector': {'pool': 'none'}})
    yield deployment('far', replicas=3, pod={'affinity': apart('far')})
    yield deployment('even', replicas=6, pod={'topologySpreadConstraints': [spread('even', ZONE)]})
    yield deployment('soft', replicas=3, pod={'topologySpreadConstraints': [spread('soft', HOST, 'ScheduleAnyway')]})
    yield deployment('leaves', replicas=2, pod=only_on('leaving'))
    yield deployment('important', replicas=1, pod={'priorityClassName': 'mix-high'})
    for name in ('orphaned', 'ended', 'ended-first'):
        yield deployment(name)
    yield service('all', app='even', externalTrafficPolicy='Local', type='NodePort', ports=[{'port': 80, 'targetPort': 8080, 'nodePort': 30123}])
    yield make('Service', APPS, 'elsewhere', {'type': 'ExternalName', 'externalName': 'example.com'})
    yield make('Service', APPS, 'by-hand', {'ports': [{'port': 80}]})
    yield make('Endpoints', APPS, 'by-hand', subsets=[{'addresses': [{'ip': '192.0.2.1'}], 'notReadyAddresses': [{'ip': '192.0.2.2'}], 'ports': [{'port': 80}]}])
    for i, budget in enumerate(({'minAvailable': 1}, {'minAvailable': '50%'}, {'maxUnavailable': 1}, {'maxUnavailable': '30%'}, {'minAvailable': 100})):
        yield make('PodDisruptionBudget', APPS, f'rolling-{i}', {'selector': chosen(f'rolling-{i}'), **budget}, 'policy/v1')
    yield make('PodDisruptionBudget', APPS, 'late', {'selector': chosen('late'), 'minAvailable': 1, 'unhealthyPodEvictionPolicy': 'AlwaysAllow'}, 'policy/v1')
    yield make('PodDisruptionBudget', APPS, 'of-none', {'selector': chosen('of-none'), 'maxUnavailable': 1}, 'policy/v1')
    for i in range(3):
        yield make('ReplicaSet', APPS, f'set-{i}', {'replicas': i, 'selector': chosen(f'set-{i}'), 'template': template(f'set-{i}')}, 'apps/v1')
        yield make('ReplicationController', APPS, f'old-{i}', {'replicas': i, 'selector': {'app': f'old-{i}'}, 'template': template(f'old-{i}')})


def stateful_sets():
    for i in range(6):
        yield stateful_set(f'db-{i}', replicas=i)
        yield service(f'db-{i}', SETS, clusterIP='None')
    for i in range(3):
        yield stateful_set(f'parallel-{i}', replicas=i + 1, podManagementPolicy='Parallel')
    yield stateful_set('by-hand', updateStrategy={'type': 'OnDelete'})
    yield stateful_set('parted', replicas=4, updateStrategy={'type': 'RollingUpdate', 'rollingUpdate': {'partition': 2}})
    yield stateful_set('from-five', ordinals={'start': 5})
    yield stateful_set('stuck', pod={'way': 'unready'})
    yield stateful_set('few-revisions', revisionHistoryLimit=1)
    yield stateful_set('slow', minReadySeconds=1)
    yield stateful_set('waits', **claims('data', storageClassName='mix-later'), pod={})
    yield stateful_set('binds', **claims('data', storageClassName='mix-now'))
    yield stateful_set('unbound', **claims('data', storageClassName=''))
    yield stateful_set('no-class', **claims('data', storageClassName='mix-absent'))
    yield stateful_set('keeps-none', **claims('data', {'whenScaled': 'Delete', 'whenDeleted': 'Delete'}, storageClassName='mix-later'))
    yield stateful_set('ended', **claims('data', {'whenScaled': 'Retain', 'whenDeleted': 'Delete'}, storageClassName=''))
    yield stateful_set('orphaned')


def daemon_sets():
    everywhere = {'tolerations': [{'operator': 'Exists'}]}
    yield daemon_set('general')
    yield daemon_set('everywhere', pod=everywhere)
    yield daemon_set('zone-b', pod={'nodeSelector': {ZONE: 'zone-b'}})
    yield daemon_set('nowhere', pod={'nodeSelector': {'pool': 'none'}})
    yield daemon_set('leaves', pod=only_on('leaving'))
    yield daemon_set('by-hand', updateStrategy={'type': 'OnDelete'})
    yield daemon_set('three', updateStrategy={'type': 'RollingUpdate', 'rollingUpdate': {'maxUnavailable': 3}})
    yield daemon_set('surges', updateStrategy={'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': '50%', 'maxUnavailable': 0}})
    yield daemon_set('slow', minReadySeconds=1)
    yield daemon_set('unready', pod={'way': 'unready'})
    yield daemon_set('orphaned', pod={'nodeSelector': {ZONE: 'zone-c'}})
    yield daemon_set('ended')


def jobs():
    for i in range(1, 6):
        yield job(f'once-{i}', completions=i, parallelism=i)
        yield job(f'indexed-{i}', completions=i, parallelism=i, completionMode='Indexed')
        yield job(f'in-turn-{i}', completions=i, parallelism=1, policy='OnFailure')
    yield job('queue', parallelism=2)
    yield job('fails', way='exit 1', backoffLimit=0)
    yield job('fails-twice', way='exit 1', backoffLimit=1)
    yield job('index-fails', way='exit 1', completions=2, parallelism=2, completionMode='Indexed', backoffLimitPerIndex=0, maxFailedIndexes=2)
    yield job('indexes-fail', way='exit 1', completions=3, parallelism=3, completionMode='Indexed', backoffLimitPerIndex=0, maxFailedIndexes=0)
    on_exit = {'containerName': 'c', 'operator': 'In', 'values': [42]}
    for action in ('FailJob', 'Count'):
        yield job(f'policy-{action.lower()}', way='exit 42', backoffLimit=0, podFailurePolicy={'rules': [{'action': action, 'onExitCodes': on_exit}]})
    yield job('policy-index', way='exit 42', completions=2, parallelism=2, completionMode='Indexed', backoffLimitPerIndex=1,
              podFailurePolicy={'rules': [{'action': 'FailIndex', 'onExitCodes': on_exit}]})
    yield job('enough', completions=3, parallelism=1, completionMode='Indexed', successPolicy={'rules': [{'succeededCount': 2}]})
    yield job('one-index', completions=3, parallelism=1, completionMode='Indexed', successPolicy={'rules': [{'succeededIndexes': '1'}]})
    yield job('runs', way='runs', parallelism=2)
    yield job('too-long', way='runs', activeDeadlineSeconds=3)
    yield job('suspended', suspend=True)
    yield job('resumed', suspend=True, completions=2)
    yield job('to-suspend', way='runs', parallelism=2, completions=2)
    yield job('shrinks', way='runs', parallelism=3, completions=3)
    yield job('grows', way='runs', parallelism=1, completions=3)
    yield job('elastic', way='runs', parallelism=2, completions=2, completionMode='Indexed')
    yield job('clean', ttlSecondsAfterFinished=0)
    yield job('kept', ttlSecondsAfterFinished=10000)
    yield job('others', managedBy='example.com/other')
    yield job('replaced-late', way='runs', podReplacementPolicy='Failed', parallelism=1)
    yield job('ended', way='runs')
    yield job('orphaned', way='runs')
    yield job('nowhere', pod={'nodeSelector': {'pool': 'none'}})
    yield make('Job', JOBS, 'by-hand', {'manualSelector': True, 'selector': chosen('by-hand'), 'template': template('by-hand', restartPolicy='Never')}, 'batch/v1')


def cron_jobs():
    for i in range(3):
        yield cron_job(f'suspended-{i}', '* * * * *', suspend=True)
        yield cron_job(f'never-{i}', timeZone='Etc/UTC')
    yield cron_job('due', '* * * * *', successfulJobsHistoryLimit=1)
    yield cron_job('busy', '* * * * *', work={'way': 'runs'}, concurrencyPolicy='Forbid')
    yield cron_job('fails', '* * * * *', work={'way': 'exit 1', 'backoffLimit': 0}, failedJobsHistoryLimit=1)
    yield cron_job('ended', '* * * * *', suspend=True)


def apart(app, key=HOST):
    return {'podAntiAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': [{'labelSelector': chosen(app), 'topologyKey': key}]}}


def together(app, key=HOST):
    return {'podAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': [{'labelSelector': chosen(app), 'topologyKey': key}]}}


def on_nodes(key, operator, values=()):
    return {'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [{'matchExpressions': [{'key': key, 'operator': operator, 'values': list(values)}]}]}}}


def spread(app, key, otherwise='DoNotSchedule'):
    return {'maxSkew': 1, 'topologyKey': key, 'whenUnsatisfiable': otherwise, 'labelSelector': chosen(app)}


def pods():
    for i in range(10):
        yield pod(f'plain-{i}')
        yield pod(f'done-{i}', restartPolicy='Never')
    yield pod('failed', restartPolicy='Never', way='exit 3')
    yield pod('selected', nodeSelector={ZONE: 'zone-c'})
    yield pod('unselected', nodeSelector={ZONE: 'zone-x'})
    yield pod('in-b', affinity=on_nodes(ZONE, 'In', ['zone-b']))
    yield pod('in-none', affinity=on_nodes('pool', 'DoesNotExist'))
    yield pod('follows', affinity=together('in-b', ZONE))
    yield pod('follows-none', affinity=together('nobody', ZONE))
    yield pod('alone', affinity=apart('alone'), nodeSelector={HOST: 'general-1'})
    yield pod('gated', schedulingGates=[{'name': 'example.com/hold'}])
    yield pod('gated-on', schedulingGates=[{'name': 'example.com/hold'}])
    yield pod('huge', cpu='1000')
    yield pod('tolerates', nodeSelector={'pool': 'general'}, tolerations=[{'key': 'dedicated', 'operator': 'Exists'}])
    yield pod('leaves', **only_on('leaving'))
    yield pod('stays', nodeSelector={'pool': 'leaving'}, tolerations=[{'operator': 'Exists'}])
    yield pod('port', ports=[{'containerPort': 80, 'hostPort': 8080}], nodeSelector={HOST: 'general-0'})
    yield pod('claims', **MOUNTED)
    yield pod('evicted')
    yield pod('guarded')
    yield make('PodDisruptionBudget', PODS, 'guarded', {'selector': chosen('guarded'), 'minAvailable': 1}, 'policy/v1')
    yield pod('low', cpu='1500m', priorityClassName='mix-low', **only_on('small'))
    yield pod('none-to-yield', cpu='1500m', **only_on('tiny'))
    yield pod('plain-gone')
    yield make('ConfigMap', PODS, 'note', data={'a': 'b'})


def limits():
    yield make('ResourceQuota', LIMITS, 'counts', {'hard': {'pods': '3', 'count/configmaps': '10', 'services': '2', 'requests.cpu': '10', 'persistentvolumeclaims': '1'}})
    yield make('ResourceQuota', LIMITS, 'best-effort', {'hard': {'pods': '20'}, 'scopes': ['BestEffort']})
    yield make('ResourceQuota', LIMITS, 'important', {'hard': {'pods': '20'}, 'scopeSelector': {'matchExpressions': [{'scopeName': 'PriorityClass', 'operator': 'In', 'values': ['mix-high']}]}})
    yield make('LimitRange', LIMITS, 'usual', {'limits': [{'type': 'Container', 'default': {'cpu': '200m'}, 'defaultRequest': {'cpu': '100m'}, 'max': {'cpu': '2'}}]})


def limited():
    """Once the quotas are counted."""
    yield deployment('greedy', LIMITS, replicas=5)
    yield make('PersistentVolumeClaim', LIMITS, 'one', {'accessModes': ['ReadWriteOnce'], 'storageClassName': '', 'resources': {'requests': {'storage': '1Gi'}}})
    yield deployment('over', LIMITS, replicas=1, pod={'cpu': '3'})


def owned():
    """Chains of owners: (name, the names of its owners); those without owners come first."""
    for i in range(6):
        yield f'owner-{i}', []
        yield f'owned-{i}', [f'owner-{i}']
        yield f'far-{i}', [f'owned-{i}']
    yield 'shared', ['owner-0', 'owner-1']
    yield 'widow', ['owner-1', 'owner-2']


def scalers():
    usage = [{'type': 'Resource', 'resource': {'name': 'cpu', 'target': {'type': 'Utilization', 'averageUtilization': 50}}}]
    for i in range(4):
        yield deployment(f'scaled-{i}', SCALERS, replicas=(2, 0, 1, 6)[i], pod={'cpu': '10m'})
        yield make('HorizontalPodAutoscaler', SCALERS, f'scaled-{i}', {'minReplicas': 2 if i == 2 else 1, 'maxReplicas': 4, 'metrics': usage, 'scaleTargetRef': {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': f'scaled-{i}'}}, 'autoscaling/v2')
    yield make('HorizontalPodAutoscaler', SCALERS, 'absent', {'maxReplicas': 4, 'metrics': usage, 'scaleTargetRef': {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': 'absent'}}, 'autoscaling/v2')


def leaving():
    for namespace in GONE:
        yield deployment('web', namespace, pod=PORT)
        yield service('web', namespace)
        yield stateful_set('db', namespace, **claims('data', storageClassName=''))
        yield daemon_set('agent', namespace)
        yield job('once', namespace)
        yield job('runs', namespace, way='runs')
        yield cron_job('never', namespace=namespace)
        yield pod('plain', namespace)
        yield make('ConfigMap', namespace, 'note', data={'a': 'b'})


def first():
    """In the order in which they are made; `limited` and `owned` come after."""
    return [*limits(), *deployments(), *stateful_sets(), *daemon_sets(), *jobs(), *cron_jobs(), *pods(), *scalers(), *leaving()]


WORKLOADS = {'Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Pod'}
