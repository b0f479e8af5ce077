"""Owners, quota, budgets, endpoints, claims, nodes' pods."""


def owned_by_what_is_not_there(c):
    c.make('''
apiVersion: v1
kind: ConfigMap
metadata: {name: owned, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: nobody, uid: 00000000-0000-4000-8000-000000000001}]}
''')
    c.wait(lambda: c.get('ConfigMap', 'owned') is None, 'collected')


def owned_by_one_of_two(c):
    owner = c.make('{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}')
    c.make(f'''
apiVersion: v1
kind: ConfigMap
metadata:
  name: owned
  ownerReferences:
  - {{apiVersion: v1, kind: ConfigMap, name: nobody, uid: 00000000-0000-4000-8000-000000000002}}
  - {{apiVersion: v1, kind: ConfigMap, name: owner, uid: {owner['metadata']['uid']}}}
''')
    c.wait(lambda: len(c.get('ConfigMap', 'owned')['metadata']['ownerReferences']) == 1, 'one owner')


def cluster_wide_with_a_namespaced_owner(c):
    owner = c.make('{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}')
    role = f'{c.namespace}-role'
    c.extra.append(('ClusterRole', role))
    c.make(f'''
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {role}, ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {owner['metadata']['uid']}}}]}}
rules: []
''')
    c.settle()
    c.delete('ConfigMap', 'owner')
    c.settle()
    events = c.client.call('GET', '/api/v1/namespaces/default/events')['items']
    c.observe(sorted({(e['type'], e['reason']) for e in events if e['involvedObject'].get('name') == role}))


def held_in_the_foreground(c):
    owner = c.make('{apiVersion: v1, kind: ConfigMap, metadata: {name: owner}}')
    c.make(f'''
apiVersion: v1
kind: ConfigMap
metadata: {{name: owned, finalizers: [example.com/held], ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {owner['metadata']['uid']}, blockOwnerDeletion: true}}]}}
''')
    c.delete('ConfigMap', 'owner', propagationPolicy='Foreground')
    c.wait(lambda: (c.get('ConfigMap', 'owned') or {}).get('metadata', {}).get('deletionTimestamp'), 'the owned one is deleted')
    c.observe('owner there' if c.get('ConfigMap', 'owner') else 'owner gone')
    c.patch('ConfigMap', 'owned', {'metadata': {'finalizers': None}})
    c.wait(lambda: c.get('ConfigMap', 'owner') is None, 'the owner goes')


def quota_counts(c):
    c.make('{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: "5", requests.cpu: "2", services: "3", count/configmaps: "9"}}}')
    c.wait(lambda: c.status('ResourceQuota', 'q').get('used'), 'it counts')
    c.make('''
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "registry.example/c:1", resources: {requests: {cpu: 300m}}}]}
''')
    c.wait(lambda: c.status('Pod', 'p').get('phase') == 'Running', 'it runs')
    c.make('{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}], selector: {app: x}}}')
    c.wait(lambda: c.status('ResourceQuota', 'q')['used'].get('services') == '1', 'the service counts')
    c.delete('Pod', 'p')
    c.wait(lambda: c.status('ResourceQuota', 'q')['used'].get('pods') == '0', 'the pod is given back')


def quota_of_a_scope_that_is_left(c):
    c.make('{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: "5"}, scopes: [NotTerminating]}}')
    c.wait(lambda: c.status('ResourceQuota', 'q').get('used'), 'it counts')
    c.make('{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: "registry.example/c:1"}]}}')
    c.wait(lambda: c.status('ResourceQuota', 'q')['used'].get('pods') == '1', 'one counts')
    c.patch('Pod', 'p', {'spec': {'activeDeadlineSeconds': 1000}})
    c.wait(lambda: c.status('ResourceQuota', 'q')['used'].get('pods') == '0', 'none counts')


def budget(c):
    c.make('''
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: r}
spec:
  replicas: 3
  selector: {matchLabels: {app: r}}
  template:
    metadata: {labels: {app: r}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "registry.example/c:1"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: b}
spec: {maxUnavailable: "50%", selector: {matchLabels: {app: r}}}
''')
    c.wait(lambda: c.status('PodDisruptionBudget', 'b').get('currentHealthy') == 3, 'three healthy')
    c.wait(lambda: c.status('PodDisruptionBudget', 'b').get('disruptionsAllowed') == 2, 'two may go')


def budget_of_nothing(c):
    c.make('{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {minAvailable: 1, selector: {matchLabels: {app: nothing}}}}')


def budget_of_bare_pods(c):
    c.make('''
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: bare}}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "registry.example/c:1"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: b}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: bare}}}
''')


def endpoints_of_ready_and_not(c):
    c.make('''
apiVersion: v1
kind: Pod
metadata: {name: ready, labels: {app: e}}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "registry.example/c:1", ports: [{name: http, containerPort: 81}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: unready, labels: {app: e}, annotations: {hollow: unready}}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "registry.example/c:1", ports: [{name: http, containerPort: 82}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: e}
spec: {selector: {app: e}, ports: [{name: a, port: 80, targetPort: http}, {name: b, port: 90, targetPort: 91, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: all}
spec: {selector: {app: e}, publishNotReadyAddresses: true, clusterIP: None}
''')
    c.wait(lambda: len(c.list('EndpointSlice')) >= 3, 'slices')


def endpoints_written_by_hand(c):
    c.make('''
apiVersion: v1
kind: Service
metadata: {name: m}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: m}
subsets: [{addresses: [{ip: 192.0.2.7}], notReadyAddresses: [{ip: 192.0.2.8}], ports: [{port: 80}]}]
''')
    c.wait(lambda: c.list('EndpointSlice'), 'a mirrored slice')


def a_claim_that_nothing_serves(c):
    c.make('{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p}, spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Mi}}}}')


def a_claim_of_no_class(c):
    c.make('{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p}, spec: {accessModes: [ReadWriteOnce], storageClassName: missing, resources: {requests: {storage: 1Mi}}}}')


def a_claim_binds(c):
    volume = f'{c.namespace}-v'
    c.extra.append(('PersistentVolume', volume))
    c.make(f'''
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {volume}}}
spec: {{capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], storageClassName: {c.namespace}, hostPath: {{path: /tmp/x}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: p}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: {c.namespace}, resources: {{requests: {{storage: 1Mi}}}}}}
''')
    c.wait(lambda: c.status('PersistentVolumeClaim', 'p').get('phase') == 'Bound', 'bound')


def a_released_volume_without_a_deleter(c):
    volume = f'{c.namespace}-v'
    c.extra.append(('PersistentVolume', volume))
    c.make(f'''
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {volume}}}
spec: {{capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], storageClassName: {c.namespace}, persistentVolumeReclaimPolicy: Delete, nfs: {{server: 192.0.2.1, path: /x}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: p}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: {c.namespace}, resources: {{requests: {{storage: 1Mi}}}}}}
''')
    c.wait(lambda: c.status('PersistentVolumeClaim', 'p').get('phase') == 'Bound', 'bound')
    c.delete('PersistentVolumeClaim', 'p')
    c.wait(lambda: c.status('PersistentVolume', volume).get('phase') in ('Failed', 'Released'), 'released')
    c.settle()


def a_pod_that_holds_its_claim(c):
    c.make('''
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: p}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: user}
spec: {terminationGracePeriodSeconds: 1, nodeName: hollow-0, containers: [{name: c, image: "registry.example/c:1"}], volumes: [{name: v, persistentVolumeClaim: {claimName: p}}]}
''')
    c.delete('PersistentVolumeClaim', 'p')
    c.settle()
    c.observe('claim there' if c.get('PersistentVolumeClaim', 'p') else 'claim gone')
    c.delete('Pod', 'user')
    c.wait(lambda: c.get('PersistentVolumeClaim', 'p') is None, 'the claim goes')


def an_ephemeral_claim(c):
    c.make('''
apiVersion: v1
kind: Pod
metadata: {name: e}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "registry.example/c:1"}]
  volumes: [{name: v, ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Mi}}}}}}]
''')
    c.wait(lambda: c.list('PersistentVolumeClaim'), 'its claim')


def a_service_account_comes_back(c):
    c.delete('ServiceAccount', 'default')
    c.wait(lambda: c.get('ServiceAccount', 'default'), 'default is back')
    c.delete('ConfigMap', 'kube-root-ca.crt')
    c.wait(lambda: c.get('ConfigMap', 'kube-root-ca.crt'), 'the authorities are back')
