"""What a scenario is written with: a namespace of its own in one of the clusters."""
import threading
import time

import yaml

from support.cluster import SLOWNESS

QUIET_S = 3      # nothing changed for so long: settled
WAIT_S = 40
MERGE = 'application/merge-patch+json'
PLURALS = {
    'Pod': '/api/v1 pods', 'Service': '/api/v1 services', 'ConfigMap': '/api/v1 configmaps', 'Secret': '/api/v1 secrets', 'ServiceAccount': '/api/v1 serviceaccounts',
    'Endpoints': '/api/v1 endpoints', 'ReplicationController': '/api/v1 replicationcontrollers', 'ResourceQuota': '/api/v1 resourcequotas', 'Event': '/api/v1 events',
    'PersistentVolumeClaim': '/api/v1 persistentvolumeclaims', 'Deployment': '/apis/apps/v1 deployments', 'ReplicaSet': '/apis/apps/v1 replicasets',
    'StatefulSet': '/apis/apps/v1 statefulsets', 'DaemonSet': '/apis/apps/v1 daemonsets', 'ControllerRevision': '/apis/apps/v1 controllerrevisions',
    'Job': '/apis/batch/v1 jobs', 'CronJob': '/apis/batch/v1 cronjobs', 'PodDisruptionBudget': '/apis/policy/v1 poddisruptionbudgets',
    'EndpointSlice': '/apis/discovery.k8s.io/v1 endpointslices', 'Role': '/apis/rbac.authorization.k8s.io/v1 roles', 'ResourceClaim': '/apis/resource.k8s.io/v1 resourceclaims',
    'HorizontalPodAutoscaler': '/apis/autoscaling/v2 horizontalpodautoscalers',
    'Namespace': '/api/v1 namespaces', 'Node': '/api/v1 nodes', 'PersistentVolume': '/api/v1 persistentvolumes', 'ClusterRole': '/apis/rbac.authorization.k8s.io/v1 clusterroles',
    'ServiceCIDR': '/apis/networking.k8s.io/v1 servicecidrs', 'IPAddress': '/apis/networking.k8s.io/v1 ipaddresses',
    'VolumeAttachment': '/apis/storage.k8s.io/v1 volumeattachments', 'CSIDriver': '/apis/storage.k8s.io/v1 csidrivers',
    'StorageClass': '/apis/storage.k8s.io/v1 storageclasses', 'CertificateSigningRequest': '/apis/certificates.k8s.io/v1 certificatesigningrequests',
}
CLUSTER_WIDE = {'ServiceCIDR', 'IPAddress', 'Namespace', 'Node', 'PersistentVolume', 'ClusterRole', 'StorageClass', 'CertificateSigningRequest', 'VolumeAttachment', 'CSIDriver'}
COMPARED = [kind for kind in PLURALS if kind not in CLUSTER_WIDE and kind not in ('Role', 'Secret')]


class Scenario:
    """`observed` gets what a scenario notes beside the objects that it leaves."""

    def __init__(self, cluster, namespace):
        self.cluster, self.namespace, self.client = cluster, namespace, cluster.client
        self.observed, self.extra = [], []
        self.make(f'{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}')
        self.wait(lambda: self.get('ServiceAccount', 'default'), 'the default service account')

    def path(self, kind, name=''):
        base, plural = PLURALS[kind].split()
        scope = '' if kind in CLUSTER_WIDE else f'/namespaces/{self.namespace}'
        return f'{base}{scope}/{plural}' + (f'/{name}' if name else '')

    def make(self, text):
        """Creates every document of the YAML; NAMESPACE stands for the scenario's."""
        made = [self.client.call('POST', self.path(one['kind']), one) for one in yaml.safe_load_all(text.replace('NAMESPACE', self.namespace))]
        return made[0]

    def get(self, kind, name):
        """None where there is none."""
        got = self.client.call('GET', self.path(kind, name), ok=(200, 404))
        return None if got.get('kind') == 'Status' else got

    def list(self, kind, selector=''):
        return self.client.call('GET', self.path(kind) + (f'?labelSelector={selector.replace("=", "%3D")}' if selector else ''))['items']

    def patch(self, kind, name, change, subresource=''):
        return self.client.call('PATCH', self.path(kind, name) + (f'/{subresource}' if subresource else ''), change, MERGE)

    def delete(self, kind, name, **options):
        return self.client.call('DELETE', self.path(kind, name), {'apiVersion': 'v1', 'kind': 'DeleteOptions', **options}, ok=(200, 202, 404))

    def status(self, kind, name):
        return (self.get(kind, name) or {}).get('status', {})

    def conditions(self, kind, name):
        """{type: status}."""
        return {c['type']: c['status'] for c in self.status(kind, name).get('conditions', [])}

    def wait(self, condition, what, timeout_s=WAIT_S):
        """Notes what did not come instead of failing: the other cluster may well agree."""
        until = time.monotonic() + timeout_s * SLOWNESS
        while time.monotonic() < until:
            if condition():
                return True
            time.sleep(0.1)
        self.observe(f'never: {what}')
        return False

    def observe(self, what):
        self.observed.append(what)

    def settle(self, quiet_s=QUIET_S, timeout_s=WAIT_S):
        """Until nothing of the namespace has changed for `quiet_s`."""
        def versions():
            return {kind: sorted((o['metadata']['uid'], o['metadata']['resourceVersion']) for o in self.list(kind)) for kind in COMPARED}
        seen, since, until = versions(), time.monotonic(), time.monotonic() + timeout_s
        while time.monotonic() - since < quiet_s:
            time.sleep(0.3)
            now = versions()
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() > until:
                self.observe('never: quiet')
                return

    def left(self):
        """The objects by kind."""
        return {kind: self.list(kind) for kind in COMPARED} | {f'{kind} {name}': [o] for kind, name in self.extra if (o := self.get(kind, name))}


def in_parallel(work, items, limit):
    """Calls `work` of each with at most `limit` at a time; the results in order. Raises the first error."""
    gate, results, errors = threading.Semaphore(limit), [None] * len(items), []

    def one(i):
        with gate:
            try:
                results[i] = work(items[i])
            except Exception as e:
                errors.append((items[i], e))
    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(len(items))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError('\n'.join(f'{item}: {error}' for item, error in errors))
    return results
