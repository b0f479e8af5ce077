"""SELinux labels of volumes that pods share."""
from scenarios.attachments import _volume

LABELS = 'securityContext: {seLinuxOptions: {level: "s0:c%d"}%s}'


def _driver(c, mounts):
    c.make(f'{{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {{name: NAMESPACE.example}}, spec: {{attachRequired: false, seLinuxMount: {mounts}}}}}')


def _pod(c, name, level, policy='', second=''):
    c.make(f'''
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  nodeName: hollow-0
  terminationGracePeriodSeconds: 1
  {LABELS % (level, f', seLinuxChangePolicy: {policy}' if policy else '')}
  containers: [{{name: c, image: "registry.example/c:1", volumeMounts: [{{name: data, mountPath: /data}}]}}{second}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: v}}}}]
''')


def _bound(c):
    c.wait(lambda: c.status('PersistentVolumeClaim', 'v').get('phase') == 'Bound', 'the claim is bound')


def _told(c, reason, count):
    c.wait(lambda: len([e for e in c.list('Event') if e['reason'] == reason]) == count, f'{count} events {reason}')


def two_levels(c):
    _driver(c, 'true')
    _volume(c, modes='[ReadWriteMany]')
    _pod(c, 'a', 1)
    _pod(c, 'b', 2)
    _told(c, 'SELinuxLabelConflict', 2)


def two_policies(c):
    _driver(c, 'true')
    _volume(c, modes='[ReadWriteMany]')
    _pod(c, 'a', 1)
    _pod(c, 'b', 1, 'Recursive')
    _told(c, 'SELinuxChangePolicyConflict', 2)


def two_levels_in_a_pod(c):
    _driver(c, 'true')
    _volume(c, modes='[ReadWriteMany]')
    second = f', {{name: d, image: "registry.example/c:1", {LABELS % (2, "")}, volumeMounts: [{{name: data, mountPath: /data}}]}}'
    _pod(c, 'a', 1, second=second)
    _bound(c)
    _told(c, 'MultipleSELinuxLabels', 2)     # of the token's volume too


def a_driver_that_mounts_without(c):
    _driver(c, 'false')
    _volume(c, modes='[ReadWriteMany]')
    _pod(c, 'a', 1)
    _pod(c, 'b', 2)
    _bound(c)
