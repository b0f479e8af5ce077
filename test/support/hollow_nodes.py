"""Hollow nodes: nodes without containers. Each has its own identity, keeps its lease, and reports the pods bound to it
as running (as succeeded, where they are not to be restarted always) the moment it sees them, unless a pod's annotation `hollow` says
otherwise: `runs` whatever its restart policy, `unready` runs but is not ready, `held` is left to the test, `exit N` ends with that status, `stays` ignores its deletion."""
import datetime
import http.client
import json
import ssl
import threading

RUNNING, SUCCEEDED, FAILED = 'Running', 'Succeeded', 'Failed'
LEASE_S = 10


def now(micro=False):
    return datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%fZ' if micro else '%Y-%m-%dT%H:%M:%SZ')


class Client:
    """JSON over one HTTPS connection a thread."""

    def __init__(self, host, port, ca, cert, key):
        self.host, self.port = host, port
        self.context = ssl.create_default_context(cafile=ca)
        self.context.load_cert_chain(cert, key)
        self.local = threading.local()

    def connect(self, timeout_s=30):
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=timeout_s)

    def call(self, method, path, body=None, content_type='application/json', ok=(200, 201, 202)):
        for attempt in (0, 1):
            c = getattr(self.local, 'c', None) or self.connect()
            self.local.c = c
            try:
                c.request(method, path, json.dumps(body) if body is not None else None, {'Content-Type': content_type, 'Accept': 'application/json'})
                answer = c.getresponse()
                data = json.loads(answer.read() or b'{}')
                break
            except (http.client.HTTPException, OSError):
                c.close()
                self.local.c = None
                if attempt:
                    raise
        if answer.status not in ok:
            raise RuntimeError(f'{method} {path}: {answer.status} {data.get("message")}')
        return data

    def watch(self, path, stop):
        """Yields (type, object) of one watch until it ends."""
        c = self.connect(timeout_s=5)
        try:
            c.request('GET', path, headers={'Accept': 'application/json'})
            answer = c.getresponse()
            if answer.status != 200:
                raise RuntimeError(f'watch {path}: {answer.status} {answer.read()[:300]}')
            while not stop.is_set():
                try:
                    line = answer.readline()
                except TimeoutError:
                    return
                if not line:
                    return
                event = json.loads(line)
                if event['type'] == 'ERROR':
                    return
                yield event['type'], event['object']
        finally:
            c.close()


class HollowNode:
    def __init__(self, name, client, number, labels=(), taints=(), cpu='8'):
        self.name, self.client, self.number = name, client, number
        self.labels, self.taints, self.cpu = dict(labels), list(taints), cpu
        self.stopping, self.pods, self.failure = threading.Event(), {}, None
        self.threads = [threading.Thread(target=self.guard, args=(work,), daemon=True) for work in (self.keep_lease, self.follow_pods)]

    def start(self):
        self.client.call('POST', '/api/v1/nodes', {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': self.name,
            'labels': {'kubernetes.io/hostname': self.name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', **self.labels},
            'annotations': {'volumes.kubernetes.io/controller-managed-attach-detach': 'true'}}, 'spec': {'taints': self.taints}})
        resources = {'cpu': self.cpu, 'memory': '16Gi', 'pods': '110', 'ephemeral-storage': '100Gi'}
        self.client.call('PATCH', f'/api/v1/nodes/{self.name}/status', {'status': {
            'capacity': resources, 'allocatable': resources, 'addresses': [{'type': 'InternalIP', 'address': f'10.64.0.{self.number + 1}'}, {'type': 'Hostname', 'address': self.name}],
            'conditions': [{'type': 'Ready', 'status': 'True', 'reason': 'KubeletReady', 'message': 'hollow', 'lastHeartbeatTime': now(), 'lastTransitionTime': now()}]}},
            'application/strategic-merge-patch+json')
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(15)
        if self.failure:
            raise self.failure

    def guard(self, work):
        try:
            work()
        except Exception as e:
            if not self.stopping.is_set():
                self.failure = e
                raise

    def keep_lease(self):
        base = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
        lease = {'apiVersion': 'coordination.k8s.io/v1', 'kind': 'Lease', 'metadata': {'name': self.name, 'namespace': 'kube-node-lease'},
                 'spec': {'holderIdentity': self.name, 'leaseDurationSeconds': 40, 'renewTime': now(micro=True)}}
        self.client.call('POST', base, lease)
        while not self.stopping.wait(LEASE_S):
            self.client.call('PATCH', f'{base}/{self.name}', {'spec': {'renewTime': now(micro=True)}}, 'application/merge-patch+json')

    def follow_pods(self):
        while not self.stopping.is_set():
            listed = self.client.call('GET', f'/api/v1/pods?fieldSelector=spec.nodeName%3D{self.name}')
            for pod in listed['items']:
                self.sync(pod)
            path = f'/api/v1/pods?watch=1&timeoutSeconds=300&fieldSelector=spec.nodeName%3D{self.name}&resourceVersion={listed["metadata"]["resourceVersion"]}'
            for kind, pod in self.client.watch(path, self.stopping):
                if kind in ('ADDED', 'MODIFIED'):
                    self.sync(pod)

    def sync(self, pod):
        meta, spec = pod['metadata'], pod['spec']
        way = meta.get('annotations', {}).get('hollow', '')
        path = f'/api/v1/namespaces/{meta["namespace"]}/pods/{meta["name"]}'
        if meta.get('deletionTimestamp'):
            if way == 'stays':
                return
            self.client.call('DELETE', path, {'apiVersion': 'v1', 'kind': 'DeleteOptions', 'gracePeriodSeconds': 0, 'preconditions': {'uid': meta['uid']}}, ok=(200, 404, 409))
            return
        if way == 'held':
            return
        exit_code = int(way[5:]) if way.startswith('exit ') else 0
        phase = RUNNING if way in ('runs', 'unready', 'stays') or spec['restartPolicy'] == 'Always' else FAILED if exit_code else SUCCEEDED
        if pod['status'].get('phase') == phase:
            return
        ready = 'True' if phase == RUNNING and way != 'unready' else 'False'
        state = {'running': {'startedAt': now()}} if phase == RUNNING else {
            'terminated': {'exitCode': exit_code, 'reason': 'Error' if exit_code else 'Completed', 'startedAt': now(), 'finishedAt': now()}}
        reason = {RUNNING: {}, SUCCEEDED: {'reason': 'PodCompleted'}, FAILED: {'reason': 'PodFailed'}}[phase]
        if way == 'unready':
            reason = {'reason': 'ContainersNotReady'}
        address = f'10.244.{self.number}.{len(self.pods) + 2}'
        address = self.pods.setdefault(meta['uid'], address)
        status = {'phase': phase, 'podIP': address, 'podIPs': [{'ip': address}], 'hostIP': f'10.64.0.{self.number + 1}', 'startTime': now(),
                  'conditions': [{'type': t, 'status': s, 'lastTransitionTime': now(), **r} for t, s, r in (
                      ('Initialized', 'True', {} if way == 'unready' else reason), ('Ready', ready, reason), ('ContainersReady', ready, reason), ('PodScheduled', 'True', {}))],
                  'containerStatuses': [{'name': c['name'], 'image': c['image'], 'imageID': c['image'], 'containerID': f'hollow://{c["name"]}', 'ready': ready == 'True',
                                         'started': phase == RUNNING, 'restartCount': 0, 'state': state} for c in spec['containers']]}
        self.client.call('PATCH', path + '/status', {'metadata': {'uid': meta['uid']}, 'status': status}, 'application/strategic-merge-patch+json', ok=(200, 404, 409))
