"""Upstream's controller manager and scheduler, unmodified, on Pintle's API server and on upstream's, and our controller
manager in their place: the same workloads reach the same objects."""
import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.hollow_nodes import Client, HollowNode  # noqa: E402
from support.normalise import differences, state  # noqa: E402
from support.cluster import ApiServer, Process, free_port, pintle_binary, wait_for  # noqa: E402
from support.peers import PEERS, lacking  # noqa: E402

WORKLOADS = (pathlib.Path(__file__).parent / 'workloads.yaml').read_text()
KINDS = ['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'controllerrevisions', 'jobs', 'cronjobs', 'pods', 'services', 'endpointslices', 'endpoints',
         'serviceaccounts', 'configmaps', 'poddisruptionbudgets', 'replicationcontrollers', 'resourcequotas']
NODES = 2
OUR_MANAGER = [pintle_binary(), 'kube-controller-manager']
SETTLE_S = 180


class Cluster:
    """An API server with a controller manager and upstream's scheduler, and hollow nodes."""

    def __init__(self, upstream, manager=None):
        self.server = ApiServer(upstream=PEERS if upstream else None)
        self.manager = manager or [str(PEERS / 'kube-controller-manager')]
        self.nodes = []

    def __enter__(self):
        s = self.server.start()
        try:
            p = s.pki.path
            for user in ('kube-controller-manager', 'kube-scheduler'):
                s.pki.issue(user, f'/CN=system:{user}')
            manager = s.pki.kubeconfig('kcm.conf', s.url, 'kube-controller-manager')
            scheduler = s.pki.kubeconfig('scheduler.conf', s.url, 'kube-scheduler')
            s.processes.append(Process([*self.manager, f'--kubeconfig={manager}', f'--authentication-kubeconfig={manager}', f'--authorization-kubeconfig={manager}',
                                        '--bind-address=127.0.0.1', f'--secure-port={free_port()}', f'--cert-dir={s.folder}/kcm', '--use-service-account-credentials', '--leader-elect=true',
                                        f'--service-account-private-key-file={p("sa.key")}', f'--root-ca-file={p("ca.crt")}', '--concurrent-deployment-syncs=5'], s.folder / 'kcm.log'))
            s.processes.append(Process([str(PEERS / 'kube-scheduler'), f'--kubeconfig={scheduler}', f'--authentication-kubeconfig={scheduler}', f'--authorization-kubeconfig={scheduler}',
                                        '--bind-address=127.0.0.1', f'--secure-port={free_port()}', f'--cert-dir={s.folder}/sched', '--leader-elect=true'], s.folder / 'scheduler.log'))
            for i in range(NODES):
                name = f'hollow-{i}'
                s.pki.issue(name, f'/O=system:nodes/CN=system:node:{name}')
                node = HollowNode(name, Client('127.0.0.1', s.port, s.pki.ca, p(f'{name}.crt'), p(f'{name}.key')), i)
                node.start()
                self.nodes.append(node)
            return self
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            for node in self.nodes:
                node.stop()
        finally:
            for process in reversed(self.server.processes[-2:]):
                process.stop(timeout_s=60)
            self.server.processes = self.server.processes[:-2]
            self.server.stop()

    def list(self, kind, namespace='walk'):
        done = self.server.kubectl('-n', namespace, 'get', kind, '-o', 'json', check=False)
        return json.loads(done.stdout)['items'] if done.returncode == 0 else []

    def await_(self, condition, what):
        try:
            wait_for(condition, what, self.server.server, timeout_s=SETTLE_S, pause_s=0.3)
        except RuntimeError as e:
            pods = self.server.kubectl('-n', 'walk', 'get', 'all', '-o', 'wide', check=False).stdout
            logs = '\n'.join((self.server.folder / f).read_text(errors='replace')[-3000:] for f in ('kcm.log', 'scheduler.log'))
            raise RuntimeError(f'{e}\n{pods}\n{logs}') from None

    def walk(self):
        """Applies the workloads, rolls the Deployment, scales, and returns the settled state."""
        kubectl = self.server.kubectl
        kubectl('create', 'namespace', 'walk')
        self.await_(lambda: self.list('serviceaccounts'), 'the default service account')
        kubectl('-n', 'walk', 'apply', '-f', '-', stdin=WORKLOADS)

        def settled():
            d, s, ds, j = (self.list(k)[0]['status'] for k in ('deployment', 'statefulset', 'daemonset', 'job'))
            return d.get('availableReplicas') == 3 and s.get('readyReplicas') == 2 and ds.get('numberReady') == NODES and j.get('succeeded') == 2 and bool(j.get('completionTime'))
        self.await_(settled, 'every workload is ready')
        kubectl('-n', 'walk', 'set', 'image', 'deployment/web', 'web=registry.example/web:2')
        kubectl('-n', 'walk', 'scale', 'statefulset/db', '--replicas=3')

        def rolled():
            d = self.list('deployment')[0]
            st = d['status']
            return (st.get('observedGeneration') == d['metadata']['generation'] and st.get('updatedReplicas') == 3 and st.get('replicas') == 3 and st.get('availableReplicas') == 3
                    and self.list('statefulset')[0]['status'].get('readyReplicas') == 3
                    and len([p for p in self.list('pods') if p['metadata'].get('deletionTimestamp')]) == 0)
        self.await_(rolled, 'the rollout and the scaling are done')
        # kubectl's own wait can miss a pod that comes back under its name at once, with upstream's server too.
        uid = lambda: kubectl('-n', 'walk', 'get', 'pod', 'db-1', '-o', 'jsonpath={.metadata.uid}', check=False).stdout
        before = uid()
        kubectl('-n', 'walk', 'delete', 'pod', 'db-1', '--wait=false')
        self.await_(lambda: uid() not in ('', before) and self.list('statefulset')[0]['status'].get('readyReplicas') == 3
                    and not any(p['metadata'].get('deletionTimestamp') for p in self.list('pods')), 'the pod is replaced')
        kubectl('-n', 'walk', 'delete', 'replicationcontroller', 'old', '--cascade=foreground', '--wait=false')
        self.await_(lambda: any(j['status'].get('succeeded') for j in self.list('jobs') if j['metadata']['name'].startswith('tick-')), 'the CronJob ran')
        kubectl('-n', 'walk', 'patch', 'cronjob', 'tick', '-p', '{"spec":{"suspend":true}}')

        def quiet():
            ready = [e for s in self.list('endpointslices') for e in s.get('endpoints') or []]
            return len(ready) == 3 + 3 and not self.list('replicationcontrollers') and not any(p['metadata'].get('deletionTimestamp') for p in self.list('pods')) and not any(c['status'].get('active') for c in self.list('cronjobs'))
        self.await_(quiet, 'endpoints follow')
        return state({kind: self.list(kind) for kind in KINDS})


@pytest.fixture(scope='module')
def upstream():
    if reason := lacking('kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'):
        pytest.skip(reason)
    with Cluster(upstream=True) as cluster:
        return cluster.walk()


def test_upstreams_controllers_and_scheduler_reach_the_same_objects(upstream):
    with Cluster(upstream=bool(os.environ.get('SWAP_UPSTREAM'))) as cluster:
        got = cluster.walk()
    different = [line for kind in KINDS for line in differences(upstream[kind], got[kind], kind)]
    assert not different, '\n' + '\n'.join(different)


@pytest.mark.parametrize('on_upstream', [True, False], ids=['on-upstream', 'on-pintle'])
def test_our_controllers_reach_the_same_objects(upstream, on_upstream):
    with Cluster(upstream=on_upstream, manager=OUR_MANAGER) as cluster:
        got = cluster.walk()
    different = [line for kind in KINDS for line in differences(upstream[kind], got[kind], kind)]
    assert not different, '\n' + '\n'.join(different)


@pytest.mark.parametrize('manager', [None, OUR_MANAGER], ids=['upstream', 'pintle'])
def test_a_namespace_empties_and_goes(upstream, manager):
    with Cluster(upstream=bool(os.environ.get('SWAP_UPSTREAM')), manager=manager) as cluster:
        kubectl = cluster.server.kubectl
        kubectl('create', 'namespace', 'gone')
        cluster.await_(lambda: cluster.list('serviceaccounts', 'gone'), 'the default service account')
        kubectl('-n', 'gone', 'apply', '-f', '-', stdin=WORKLOADS)
        kubectl('delete', 'namespace', 'gone', '--wait=false')
        cluster.await_(lambda: cluster.server.kubectl('get', 'namespace', 'gone', check=False).returncode == 1, 'the namespace has gone')
