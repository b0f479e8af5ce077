"""Two nodes of a `pintle server` as it comes: what one of them, with a kubelet's certificate in a stranger's hands, may do to the other
and to the cluster. Every door is tried; beside each, what a kubelet must be able to do."""
import base64
import subprocess

import pytest

from support.cluster import wait_for

NS = '/api/v1/namespaces/{ns}'
MERGE = {'Content-Type': 'application/merge-patch+json'}
STRATEGIC = {'Content-Type': 'application/strategic-merge-patch+json'}


def node_object(name, **labels):
    return {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name, 'labels': labels}, 'status': {'allocatable': {'cpu': '4', 'memory': '4Gi'}}}


def pod_object(name, node=None, **spec):
    spec = {'containers': [{'name': 'c', 'image': 'x'}], **spec}
    if node:
        spec['nodeName'] = node
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': spec}


class Two:
    """Nodes n1 and n2 by their kubelets, each with a pod of its own in `ns`; `pods` by node."""

    def __init__(self, cluster):
        self.cluster, self.ns = cluster, cluster.namespace()
        self.n1, self.n2 = cluster.node('n1'), cluster.node('n2')
        for name, user in (('n1', self.n1), ('n2', self.n2)):
            answer = cluster.ask(user, 'POST', '/api/v1/nodes', node_object(name, **{'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux'}))
            assert answer.status in (201, 409), answer
        self.base = NS.format(ns=self.ns)
        self.make(f'{self.base}/serviceaccounts', {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'worker'}})
        self.make(f'{self.base}/secrets', {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': 'foreign'}, 'data': {'k': 'dg=='}})
        audience = {'projected': {'sources': [{'serviceAccountToken': {'path': 't', 'audience': 'vault'}}]}, 'name': 'vault'}
        self.pods = {}
        for node in ('n1', 'n2'):
            made = self.make(f'{self.base}/pods', pod_object(f'on-{node}', node, serviceAccountName='worker', volumes=[audience]))
            self.pods[node] = made
        wait_for(lambda: self.ask('GET', f'{self.base}/pods/on-n1').status == 200, 'n1 may read its pod')

    def make(self, path, obj):
        return self.cluster.make(path, obj)

    def ask(self, method, path, body=None, headers=None):
        """As node n1."""
        return self.cluster.ask(self.n1, method, path, body, headers)

    def refused(self, method, path, body=None, headers=None, says=None):
        answer = self.ask(method, path, body, headers)
        assert answer.status == 403, f'{method} {path}: {answer}'
        if says:
            assert says in answer.json()['message'], answer
        return answer

    def allowed(self, method, path, body=None, headers=None):
        answer = self.ask(method, path, body, headers)
        assert answer.status in (200, 201), f'{method} {path}: {answer}'
        return answer

    def as_admin(self, method, path, body=None):
        return self.cluster.ask(self.cluster.admin, method, path, body)


@pytest.fixture
def two(bounded_cluster):
    return Two(bounded_cluster)


def test_nodes_and_their_labels_and_taints(two):
    taint = {'spec': {'taints': [{'key': 'k', 'effect': 'NoSchedule'}]}}
    two.refused('PATCH', '/api/v1/nodes/n2', taint, MERGE)
    two.refused('PATCH', '/api/v1/nodes/n2', {'metadata': {'labels': {'a': 'b'}}}, MERGE)
    two.refused('PATCH', '/api/v1/nodes/n2/status', {'status': {'phase': 'Running'}}, MERGE)
    two.refused('PATCH', '/api/v1/nodes/n1', taint, MERGE, says='taints')
    two.refused('PATCH', '/api/v1/nodes/n1/status', {'metadata': {'labels': {'node-role.kubernetes.io/control-plane': ''}}}, MERGE, says='labels')
    two.refused('PATCH', '/api/v1/nodes/n1', {'metadata': {'labels': {'node-restriction.kubernetes.io/trusted': 'yes'}}}, MERGE, says='labels')
    owner = {'apiVersion': 'v1', 'kind': 'Pod', 'name': 'p', 'uid': 'u'}
    two.refused('PATCH', '/api/v1/nodes/n1', {'metadata': {'ownerReferences': [owner]}}, MERGE, says='ownerReferences')
    two.refused('POST', '/api/v1/nodes', node_object('n3'))
    two.refused('DELETE', '/api/v1/nodes/n2')
    two.refused('DELETE', '/api/v1/nodes')
    two.allowed('PATCH', '/api/v1/nodes/n1', {'metadata': {'labels': {'topology.kubernetes.io/zone': 'z', 'mine': 'x'}}}, MERGE)
    two.allowed('PATCH', '/api/v1/nodes/n1/status', {'status': {'conditions': [{'type': 'Ready', 'status': 'True'}]}}, STRATEGIC)
    assert 'taints' not in two.as_admin('GET', '/api/v1/nodes/n2').json()['spec'] or all(t['key'] != 'k' for t in two.as_admin('GET', '/api/v1/nodes/n2').json()['spec']['taints'])


def mirror(two, name, **spec):
    """A mirror pod as n1's kubelet makes them."""
    uid = two.as_admin('GET', '/api/v1/nodes/n1').json()['metadata']['uid']
    pod = pod_object(name, 'n1', **spec)
    pod['metadata']['annotations'] = {'kubernetes.io/config.mirror': 'hash'}
    pod['metadata']['ownerReferences'] = [{'apiVersion': 'v1', 'kind': 'Node', 'name': 'n1', 'uid': uid, 'controller': True}]
    return pod


def test_pods_of_a_node_are_mirrors_and_refer_to_nothing(two):
    path = f'{two.base}/pods'
    for ns in (two.base, NS.format(ns='kube-system')):
        two.refused('POST', f'{ns}/pods', pod_object('plain', 'n1', serviceAccountName='default'), says='mirror')
    two.refused('POST', path, pod_object('unbound'))
    elsewhere = mirror(two, 'elsewhere')
    elsewhere['spec']['nodeName'] = 'n2'
    two.refused('POST', path, elsewhere)
    two.refused('POST', path, mirror(two, 'account', serviceAccountName='worker'), says='service accounts')
    two.refused('POST', path, mirror(two, 'old-account', serviceAccount='worker'), says='service accounts')
    secret = [{'name': 'v', 'secret': {'secretName': 'foreign'}}]
    two.refused('POST', path, mirror(two, 'secret', volumes=secret), says='secrets')
    two.refused('POST', path, mirror(two, 'pull', imagePullSecrets=[{'name': 'foreign'}]), says='secrets')
    environment = [{'name': 'c', 'image': 'x', 'envFrom': [{'secretRef': {'name': 'foreign'}}]}]
    two.refused('POST', path, mirror(two, 'env', containers=environment), says='secrets')
    two.refused('POST', path, mirror(two, 'map', volumes=[{'name': 'v', 'configMap': {'name': 'm'}}]), says='configmaps')
    two.refused('POST', path, mirror(two, 'claim', volumes=[{'name': 'v', 'persistentVolumeClaim': {'claimName': 'c'}}]), says='persistentvolumeclaims')
    token = [{'name': 'v', 'projected': {'sources': [{'serviceAccountToken': {'path': 't'}}]}}]
    two.refused('POST', path, mirror(two, 'token', volumes=token), says='ServiceAccountToken')
    foreign_owner = mirror(two, 'owner')
    foreign_owner['metadata']['ownerReferences'][0]['uid'] = 'other'
    two.refused('POST', path, foreign_owner)
    two.allowed('POST', path, mirror(two, 'good'))
    two.allowed('DELETE', f'{path}/good')


def test_secrets_are_read_by_reference_alone(two):
    two.refused('GET', f'{two.base}/secrets/foreign')
    two.refused('GET', f'{two.base}/secrets')
    two.refused('GET', '/api/v1/secrets')
    two.refused('GET', NS.format(ns='kube-system') + '/secrets')


def test_pods_of_others(two):
    theirs = f'{two.base}/pods/on-n2'
    two.refused('PATCH', f'{theirs}/status', {'status': {'phase': 'Failed'}}, MERGE)
    two.refused('PATCH', f'{two.base}/pods/on-n1/status', {'metadata': {'labels': {'app': 'victim'}}}, MERGE, says='labels')
    two.refused('DELETE', theirs)
    two.refused('DELETE', f'{two.base}/pods')
    eviction = {'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': 'on-n2', 'namespace': two.ns}}
    two.refused('POST', f'{theirs}/eviction', eviction, says='evict')
    # The name in the body does not stand for that of the path.
    answer = two.ask('POST', f'{two.base}/pods/on-n1/eviction', eviction)
    assert answer.status == 400, answer
    for subresource, method, body in (('binding', 'POST', {'metadata': {'name': 'on-n2'}, 'target': {'kind': 'Node', 'name': 'n1'}}),
                                      ('ephemeralcontainers', 'PATCH', {'spec': {'ephemeralContainers': [{'name': 'e', 'image': 'x'}]}}),
                                      ('resize', 'PATCH', {'spec': {}})):
        two.refused(method, f'{theirs}/{subresource}', body, MERGE if method == 'PATCH' else None)
    for subresource in ('exec', 'attach', 'portforward', 'proxy'):
        two.refused('POST', f'{theirs}/{subresource}')
        two.refused('GET', f'{theirs}/{subresource}')
    assert 'deletionTimestamp' not in two.as_admin('GET', theirs).json()['metadata']
    two.allowed('PATCH', f'{two.base}/pods/on-n1/status', {'status': {'phase': 'Running'}}, MERGE)
    own = dict(eviction, metadata={'name': 'on-n1', 'namespace': two.ns}, deleteOptions={'dryRun': ['All']})
    two.allowed('POST', f'{two.base}/pods/on-n1/eviction', own)
    assert 'deletionTimestamp' not in two.as_admin('GET', f'{two.base}/pods/on-n1').json()['metadata'], 'a dry run evicted'


def token_request(pod=None, audiences=(), seconds=None):
    spec = {'audiences': list(audiences)}
    if seconds:
        spec['expirationSeconds'] = seconds
    if pod:
        spec['boundObjectRef'] = {'apiVersion': 'v1', 'kind': 'Pod', 'name': pod['metadata']['name'], 'uid': pod['metadata']['uid']}
    return {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenRequest', 'spec': spec}


def test_tokens(two):
    path = f'{two.base}/serviceaccounts/worker/token'
    two.refused('POST', path, token_request(), says='not bound to a pod')
    two.refused('POST', path, token_request(audiences=['https://elsewhere.example.com'], seconds=31536000), says='not bound to a pod')
    two.refused('POST', path, token_request(two.pods['n2']))
    two.refused('POST', path, token_request(two.pods['n1'], ['https://elsewhere.example.com']), says='audience')
    two.refused('POST', path, token_request(two.pods['n1'], ['vault', 'https://elsewhere.example.com']), says='audience')
    no_uid = token_request(two.pods['n1'])
    del no_uid['spec']['boundObjectRef']['uid']
    two.refused('POST', path, no_uid)
    for kind, name in (('Node', 'n1'), ('Secret', 'foreign')):
        bound = token_request()
        bound['spec']['boundObjectRef'] = {'apiVersion': 'v1', 'kind': kind, 'name': name}
        two.refused('POST', path, bound, says='not bound to a pod')
    two.refused('POST', NS.format(ns='kube-system') + '/serviceaccounts/default/token', token_request(two.pods['n1']))
    status = two.allowed('POST', path, token_request(two.pods['n1'], seconds=3600)).json()['status']
    claims = base64.urlsafe_b64decode(status['token'].split('.')[1] + '==')
    assert b'"name":"n1"' in claims.replace(b' ', b''), 'the token is bound to pod and node'
    two.allowed('POST', path, token_request(two.pods['n1'], ['vault']))


def test_leases_csi_nodes_and_slices(two):
    leases = '/apis/coordination.k8s.io/v1/namespaces/{}/leases'
    lease = {'apiVersion': 'coordination.k8s.io/v1', 'kind': 'Lease', 'metadata': {'name': 'n2'}, 'spec': {'holderIdentity': 'n1'}}
    two.refused('POST', leases.format('kube-node-lease'), lease)
    two.refused('PUT', leases.format('kube-node-lease') + '/n2', lease)
    two.refused('PATCH', leases.format('kube-node-lease') + '/n2', {'spec': {'holderIdentity': 'n1'}}, MERGE)
    two.refused('DELETE', leases.format('kube-node-lease') + '/n2')
    two.refused('POST', leases.format('kube-system'), dict(lease, metadata={'name': 'n1'}))
    two.refused('POST', leases.format(two.ns), dict(lease, metadata={'name': 'n1'}))
    assert two.ask('POST', leases.format('kube-node-lease'), dict(lease, metadata={'name': 'n1'})).status in (201, 409)

    csi = '/apis/storage.k8s.io/v1/csinodes'
    node = {'apiVersion': 'storage.k8s.io/v1', 'kind': 'CSINode', 'metadata': {'name': 'n2'}, 'spec': {'drivers': []}}
    two.refused('POST', csi, node)
    two.refused('PUT', f'{csi}/n2', node)
    two.refused('DELETE', f'{csi}/n2')
    assert two.ask('POST', csi, dict(node, metadata={'name': 'n1'})).status in (201, 409)

    slices = '/apis/resource.k8s.io/v1/resourceslices'

    def slice_of(name, node):
        return {'apiVersion': 'resource.k8s.io/v1', 'kind': 'ResourceSlice', 'metadata': {'name': name},
                'spec': {'driver': 'd.example.com', 'nodeName': node, 'pool': {'name': node, 'generation': 1, 'resourceSliceCount': 1}}}
    two.refused('POST', slices, slice_of('s2', 'n2'))
    everywhere = slice_of('everywhere', 'n1')
    del everywhere['spec']['nodeName']
    everywhere['spec']['allNodes'] = True
    two.refused('POST', slices, everywhere)
    two.make(slices, slice_of('theirs', 'n2'))
    two.refused('DELETE', f'{slices}/theirs')
    two.refused('DELETE', slices)                       # without a selector: everybody's
    two.refused('DELETE', f'{slices}?fieldSelector=spec.nodeName%3Dn2')
    assert two.as_admin('GET', f'{slices}/theirs').status == 200
    two.allowed('POST', slices, slice_of('mine', 'n1'))
    two.allowed('DELETE', f'{slices}?fieldSelector=spec.nodeName%3Dn1')


def certificate_request(folder, subject):
    made = subprocess.run(['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject, '-keyout', str(folder / 'k')],
                          capture_output=True, check=True)
    return base64.b64encode(made.stdout).decode()


def test_certificates_of_others(two, tmp_path):
    path = '/apis/certificates.k8s.io/v1/certificatesigningrequests'

    def request(name, signer, subject, usages):
        return {'apiVersion': 'certificates.k8s.io/v1', 'kind': 'CertificateSigningRequest', 'metadata': {'name': f'{name}-{two.ns}'},
                'spec': {'signerName': f'kubernetes.io/{signer}', 'request': certificate_request(tmp_path, subject), 'usages': usages}}
    client, serving = ['digital signature', 'client auth'], ['digital signature', 'server auth']
    theirs = '/O=system:nodes/CN=system:node:n2'
    two.refused('POST', path, request('client', 'kube-apiserver-client-kubelet', theirs, client), says='CN=system:node:n1')
    two.refused('POST', path, request('serving', 'kubelet-serving', theirs, serving), says='CN=system:node:n1')
    two.refused('POST', path, request('masters', 'kube-apiserver-client', '/O=system:masters/CN=x', client))
    made = two.allowed('POST', path, request('own', 'kube-apiserver-client-kubelet', '/O=system:nodes/CN=system:node:n1', client)).json()
    name = made['metadata']['name']
    approval = dict(made, status={'conditions': [{'type': 'Approved', 'status': 'True', 'reason': 'x', 'message': 'y'}]})
    two.refused('PUT', f'{path}/{name}/approval', approval)
    two.refused('PATCH', f'{path}/{name}/status', {'status': {'certificate': 'eA=='}}, MERGE)


def test_the_cluster_is_not_reached_from_there(two):
    rbac = '/apis/rbac.authorization.k8s.io/v1'
    binding = {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRoleBinding', 'metadata': {'name': 'mine'},
               'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': 'cluster-admin'},
               'subjects': [{'kind': 'User', 'apiGroup': 'rbac.authorization.k8s.io', 'name': 'system:node:n1'}]}
    two.refused('POST', f'{rbac}/clusterrolebindings', binding)
    two.refused('POST', f'{two.base}/serviceaccounts', {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'x'}})
    two.refused('POST', f'{two.base}/bindings', {'metadata': {'name': 'on-n2'}, 'target': {'kind': 'Node', 'name': 'n1'}})
    two.refused('PATCH', f'{two.base}/persistentvolumeclaims/c/status', {'metadata': {'labels': {'a': 'b'}}}, MERGE)
    two.refused('POST', '/api/v1/nodes/n2/proxy/run')
    two.refused('GET', '/api/v1/nodes/n2/proxy/pods')
