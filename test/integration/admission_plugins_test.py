"""The admission plugins that are off by default, and what --admission-control-config-file says of them: the same requests to this server and,
where build/peers has it, to upstream's, and the same answers."""
import http.server
import json
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

import pytest
import yaml
from support.cluster import ApiServer, pintle_binary
from support.peers import PEERS, lacking

PLUGINS = ['NamespaceExists', 'LimitPodHardAntiAffinityTopology', 'PodNodeSelector', 'PodTolerationRestriction', 'EventRateLimit', 'OwnerReferencesPermissionEnforcement']
SETTINGS = {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'AdmissionConfiguration', 'plugins': [
    {'name': 'PodSecurity', 'configuration': {'apiVersion': 'pod-security.admission.config.k8s.io/v1', 'kind': 'PodSecurityConfiguration',
                                              'defaults': {'enforce': 'baseline', 'warn': 'restricted'},
                                              'exemptions': {'namespaces': ['exempt'], 'usernames': ['root-user'], 'runtimeClasses': ['kata']}}},
    {'name': 'ResourceQuota', 'configuration': {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'ResourceQuotaConfiguration', 'limitedResources': [
        {'resource': 'pods', 'matchContains': ['requests.memory'], 'matchScopes': [{'scopeName': 'PriorityClass', 'operator': 'In', 'values': ['high']}]}]}},
    {'name': 'PodNodeSelector', 'path': 'selectors.yaml'},
    {'name': 'PodTolerationRestriction', 'configuration': {'apiVersion': 'podtolerationrestriction.admission.k8s.io/v1alpha1', 'kind': 'Configuration',
                                                           'default': [{'key': 'default', 'operator': 'Exists'}], 'whitelist': [
                                                               {'key': 'default', 'operator': 'Exists'}, {'key': 'allowed', 'operator': 'Exists'},
                                                               {'key': 'node.kubernetes.io/memory-pressure', 'operator': 'Exists'},
                                                               {'key': 'node.kubernetes.io/not-ready', 'operator': 'Exists'},
                                                               {'key': 'node.kubernetes.io/unreachable', 'operator': 'Exists'}]}},
    {'name': 'EventRateLimit', 'path': 'events.yaml'}]}
SELECTORS = {'podNodeSelectorPluginConfig': {'clusterDefaultNodeSelector': 'pool=default', 'strict': 'pool=default,disk=ssd'}}
EVENTS = {'apiVersion': 'eventratelimit.admission.k8s.io/v1alpha1', 'kind': 'Configuration', 'limits': [{'type': 'Namespace', 'qps': 1, 'burst': 2, 'cacheSize': 50}]}


class Asked:
    """An API server and the requests of this file, as JSON."""

    def __init__(self, server):
        self.server = server

    def ask(self, method, path, body=None, user=None):
        headers = {'Content-Type': 'application/json', 'Accept': 'application/json'}
        if user:
            headers |= {'Impersonate-User': user}
        request = urllib.request.Request(self.server.url + path, method=method, headers=headers, data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, context=self.server.context, timeout=30) as answer:
                return answer.status, json.loads(answer.read()), answer.headers.get_all('Warning') or []
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read()), []

    def make(self, path, body, user=None):
        status, answer, warnings = self.ask('POST', path, body, user)
        if status < 300:
            return status, None, warnings
        return status, (answer['message'], answer.get('reason'), answer.get('details')), []


def prepare(asked):
    for name, annotations in {'plain': {}, 'exempt': {}, 'strict': {}, 'pinned': {'scheduler.alpha.kubernetes.io/node-selector': 'pool=own'},
                              'broken': {'scheduler.alpha.kubernetes.io/node-selector': 'pool'},
                              'tolerant': {'scheduler.alpha.kubernetes.io/defaultTolerations': '[{"key":"own","operator":"Exists"}]',
                                           'scheduler.alpha.kubernetes.io/tolerationsWhitelist': '[]'},
                              'narrow': {'scheduler.alpha.kubernetes.io/tolerationsWhitelist': '[{"key":"own","operator":"Exists"}]'}}.items():
        status, answer, _ = asked.ask('POST', '/api/v1/namespaces', {'metadata': {'name': name, 'annotations': annotations}})
        assert status == 201, answer
        asked.ask('POST', f'/api/v1/namespaces/{name}/serviceaccounts', {'metadata': {'name': 'default'}})
    assert asked.ask('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {'metadata': {'name': 'high'}, 'value': 5})[0] == 201
    role = {'metadata': {'name': 'limited'}, 'rules': [{'apiGroups': [''], 'resources': ['configmaps'], 'verbs': ['create', 'update', 'get', 'patch']}]}
    assert asked.ask('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', role)[0] == 201
    binding = {'metadata': {'name': 'limited'}, 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': 'limited'},
               'subjects': [{'kind': 'User', 'name': 'limited', 'apiGroup': 'rbac.authorization.k8s.io'}]}
    assert asked.ask('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', binding)[0] == 201


@pytest.fixture(scope='module')
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp('settings')
    (folder / 'admission.yaml').write_text(yaml.safe_dump(SETTINGS))
    (folder / 'selectors.yaml').write_text(yaml.safe_dump(SELECTORS))
    (folder / 'events.yaml').write_text(yaml.safe_dump(EVENTS))
    return folder / 'admission.yaml'


def flags(settings):
    return [f'--enable-admission-plugins={",".join(PLUGINS)}', f'--admission-control-config-file={settings}', '--authorization-mode=RBAC']


@pytest.fixture(scope='module')
def ours(settings):
    with ApiServer(flags=flags(settings)) as server:
        asked = Asked(server)
        prepare(asked)
        yield asked


@pytest.fixture(scope='module')
def upstreams(settings):
    if lacking('kube-apiserver', 'etcd'):
        pytest.skip(lacking('kube-apiserver', 'etcd'))
    with ApiServer(flags=flags(settings), upstream=str(PEERS)) as server:
        asked = Asked(server)
        prepare(asked)
        yield asked


def pod(name, **spec):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {'automountServiceAccountToken': False, 'containers': [{'name': 'c', 'image': 'x:1'}], **spec}}


def anti(key):
    return {'podAntiAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': [{'topologyKey': key, 'labelSelector': {'matchLabels': {'a': 'b'}}}]}}


def owned(name, **ref):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name, 'ownerReferences': [{'uid': '1', 'name': 'o', **ref}]}}


CAP = [{'name': 'c', 'image': 'x:1', 'securityContext': {'privileged': True}}]
MEMORY = [{'name': 'c', 'image': 'x:1', 'resources': {'requests': {'memory': '1Mi'}}}]
REQUESTS = {
    'anti-affinity by host': ('plain', pod('a1', affinity=anti('kubernetes.io/hostname'))),
    'anti-affinity by zone': ('plain', pod('a2', affinity=anti('topology.kubernetes.io/zone'))),
    'the default node selector': ('plain', pod('s1')),
    'another node selector': ('plain', pod('s2', nodeSelector={'pool': 'other'})),
    'more of a node selector': ('plain', pod('s3', nodeSelector={'disk': 'ssd'})),
    'a namespace with its own selector': ('pinned', pod('s4')),
    'a namespace with a broken selector': ('broken', pod('s5')),
    'a namespace with a list of what is allowed': ('strict', pod('s6', nodeSelector={'disk': 'ssd'})),
    'what that list does not have': ('strict', pod('s7', nodeSelector={'disk': 'hdd'})),
    'what it does not name': ('strict', pod('s8', nodeSelector={'x': 'y'})),
    'the default toleration': ('plain', pod('t1')),
    'an allowed toleration': ('plain', pod('t2', tolerations=[{'key': 'allowed', 'operator': 'Equal', 'value': 'v'}])),
    'a toleration too many': ('plain', pod('t3', tolerations=[{'key': 'other', 'operator': 'Exists'}])),
    'a namespace with its own tolerations': ('tolerant', pod('t4')),
    'a namespace that allows few': ('narrow', pod('t5')),
    'a namespace that is exempt from pod security': ('exempt', pod('p1', containers=CAP)),
    'a privileged pod': ('plain', pod('p2', containers=CAP)),
    'a pod that is warned about': ('plain', pod('p3')),
    'memory without a quota': ('plain', pod('q1', containers=MEMORY)),
    'a scope without a quota': ('plain', pod('q2', priorityClassName='high')),
    'a namespace that is not there': ('absent', pod('n1')),
}


@pytest.mark.parametrize('what', REQUESTS)
def test_pods_are_judged_as_upstream_judges_them(ours, upstreams, what):
    ns, body = REQUESTS[what]
    path = f'/api/v1/namespaces/{ns}/pods'
    mine, theirs = ours.make(path, body), upstreams.make(path, body)
    assert mine == theirs
    if mine[0] != 201:
        return
    made = [a.ask('GET', f'{path}/{body["metadata"]["name"]}')[1]['spec'] for a in (ours, upstreams)]
    assert made[0].get('nodeSelector') == made[1].get('nodeSelector')
    assert made[0].get('tolerations') == made[1].get('tolerations')


OWNERS = {
    'an owner': owned('o1', apiVersion='v1', kind='ConfigMap'),
    'an owner that is kept': owned('o2', apiVersion='v1', kind='ConfigMap', blockOwnerDeletion=True),
    'an owner of the cluster that is kept': owned('o3', apiVersion='v1', kind='Node', blockOwnerDeletion=True),
    'an owner of a kind that is not there': owned('o4', apiVersion='x.example.com/v1', kind='Thing', blockOwnerDeletion=True),
}


@pytest.mark.parametrize('what', OWNERS)
def test_who_may_set_owners(ours, upstreams, what):
    path = '/api/v1/namespaces/plain/configmaps'
    for user in ('limited', None):
        body = json.loads(json.dumps(OWNERS[what]))
        body['metadata']['name'] += '-all' if user is None else ''
        mine, theirs = ours.make(path, body, user), upstreams.make(path, body, user)
        assert mine == theirs, user
    plain = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'later-' + OWNERS[what]['metadata']['name']}}
    for asked in (ours, upstreams):
        assert asked.make(path, plain, 'limited')[0] == 201
    change = {**OWNERS[what], 'metadata': {**OWNERS[what]['metadata'], 'name': plain['metadata']['name']}}
    answers = [a.ask('PUT', f'{path}/{plain["metadata"]["name"]}', change, 'limited') for a in (ours, upstreams)]
    assert [(a[0], a[1].get('message')) for a in answers[:1]] == [(a[0], a[1].get('message')) for a in answers[1:]]
    assert answers[0][0] == 403


def test_events_beyond_their_rate(ours, upstreams):
    def event(i):
        return {'apiVersion': 'v1', 'kind': 'Event', 'metadata': {'name': f'e{i}', 'namespace': 'plain'}, 'reason': 'X', 'message': 'm', 'type': 'Normal',
                'involvedObject': {'kind': 'Pod', 'namespace': 'plain', 'name': 'p'}}
    for asked in (ours, upstreams):
        answers = [asked.make('/api/v1/namespaces/plain/events', event(i)) for i in range(20)]
        assert [a[0] for a in answers[:2]] == [201, 201]
        refused = next(a for a in answers if a[0] == 429)
        assert refused[1][:2] == ('Too many requests: limit reached on type Namespace for key plain', 'TooManyRequests')


UNSUPPORTED = {
    'restartPolicy': ('pods', pod('u1', restartPolicy='x')), 'dnsPolicy': ('pods', pod('u2', dnsPolicy='x')),
    'toleration': ('pods', pod('u4', tolerations=[{'key': 'a', 'operator': 'x', 'effect': 'x'}])),
    'compared toleration': ('pods', pod('u5', tolerations=[{'key': 'a', 'operator': 'Gt', 'value': '1'}])),
    'terminationMessagePolicy': ('pods', pod('u6', containers=[{'name': 'c', 'image': 'x:1', 'terminationMessagePolicy': 'x'}])),
    'trafficDistribution': ('services', {'metadata': {'name': 'u'}, 'spec': {'ports': [{'port': 1}], 'trafficDistribution': 'x'}}),
}


@pytest.mark.parametrize('what', UNSUPPORTED)
def test_supported_values_stand_in_upstreams_order(ours, upstreams, what):
    resource, body = UNSUPPORTED[what]
    path = f'/api/v1/namespaces/tolerant/{resource}'
    mine, theirs = ours.make(path, body), upstreams.make(path, body)
    assert mine == theirs and mine[0] == 422


GROUPED = {
    'policyTypes': ('networking.k8s.io/v1/namespaces/plain/networkpolicies', {'metadata': {'name': 'u'}, 'spec': {'podSelector': {}, 'policyTypes': ['x']}}),
    'protocol': ('networking.k8s.io/v1/namespaces/plain/networkpolicies', {'metadata': {'name': 'u'}, 'spec': {'podSelector': {}, 'ingress': [{'ports': [{'protocol': 'x'}]}]}}),
    'updateStrategy': ('apps/v1/namespaces/plain/daemonsets', {'metadata': {'name': 'u'}, 'spec': {
        'selector': {'matchLabels': {'a': 'b'}}, 'updateStrategy': {'type': 'x'},
        'template': {'metadata': {'labels': {'a': 'b'}}, 'spec': {'containers': [{'name': 'c', 'image': 'x:1'}]}}}}),
    'retention': ('apps/v1/namespaces/plain/statefulsets', {'metadata': {'name': 'u'}, 'spec': {
        'selector': {'matchLabels': {'a': 'b'}}, 'persistentVolumeClaimRetentionPolicy': {'whenDeleted': 'x'}, 'serviceName': 's',
        'template': {'metadata': {'labels': {'a': 'b'}}, 'spec': {'containers': [{'name': 'c', 'image': 'x:1'}]}}}}),
    'completionMode': ('batch/v1/namespaces/plain/jobs', {'metadata': {'name': 'u'}, 'spec': {
        'completionMode': 'x', 'template': {'spec': {'restartPolicy': 'x', 'containers': [{'name': 'c', 'image': 'x:1'}]}}}}),
    'roleRef': ('rbac.authorization.k8s.io/v1/namespaces/plain/rolebindings', {
        'metadata': {'name': 'u'}, 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'x', 'name': 'r'}, 'subjects': [{'kind': 'x', 'name': 's'}]}),
    'preemptionPolicy': ('scheduling.k8s.io/v1/priorityclasses', {'metadata': {'name': 'u'}, 'value': 1, 'preemptionPolicy': 'x'}),
    'volumeLifecycleModes': ('storage.k8s.io/v1/csidrivers', {'metadata': {'name': 'u'}, 'spec': {'volumeLifecycleModes': ['x']}}),
}


@pytest.mark.parametrize('what', GROUPED)
def test_supported_values_of_other_groups(ours, upstreams, what):
    path, body = GROUPED[what]
    mine, theirs = ours.make('/apis/' + path, body), upstreams.make('/apis/' + path, body)
    assert mine == theirs and mine[0] == 422


def test_namespaces_are_made_as_they_are_needed(settings):
    with ApiServer(flags=['--enable-admission-plugins=NamespaceAutoProvision', '--authorization-mode=RBAC']) as server:
        asked = Asked(server)
        body = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'c'}}
        assert asked.make('/api/v1/namespaces/new/configmaps?dryRun=All', body)[0] == 404
        assert asked.make('/api/v1/namespaces/new/configmaps', body)[0] == 201
        made = asked.ask('GET', '/api/v1/namespaces/new')[1]
        assert made['status']['phase'] == 'Active' and made['spec']['finalizers'] == ['kubernetes'] and made['metadata']['labels'] == {'kubernetes.io/metadata.name': 'new'}


class Reviewer(http.server.ThreadingHTTPServer):
    """A webhook for images over TLS: refuses those whose name has "bad" in it, and fails for "broken"."""

    def __init__(self, pki):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                review = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                self.server.asked.append((self.path, review))
                images = [c['image'] for c in review['spec']['containers']]
                review['status'] = {'allowed': not any('bad' in i for i in images), **({'reason': 'unsigned'} if any('bad-unsigned' in i for i in images) else {})}
                body = json.dumps(review).encode()
                self.send_response(404 if any('broken' in i for i in images) else 200)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        super().__init__(('127.0.0.1', 0), Handler)
        self.asked = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path('server.crt'), pki.path('server.key'))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.mark.parametrize('upstream', [False, True])
def test_a_webhook_says_which_images_may_run(tmp_path, upstream):
    if upstream and lacking('kube-apiserver', 'etcd'):
        pytest.skip(lacking('kube-apiserver', 'etcd'))
    settings = tmp_path / 'admission.yaml'
    server = ApiServer(folder=tmp_path / 'server', upstream=str(PEERS) if upstream else None, flags=[
        '--enable-admission-plugins=ImagePolicyWebhook', f'--admission-control-config-file={settings}', '--authorization-mode=RBAC'])
    reviewer = Reviewer(server.pki)
    kubeconfig = server.pki.kubeconfig('images.conf', f'https://127.0.0.1:{reviewer.server_address[1]}/review')
    settings.write_text(yaml.safe_dump({**SETTINGS, 'plugins': [{'name': 'ImagePolicyWebhook', 'configuration': {'imagePolicy': {'kubeConfigFile': str(kubeconfig), 'retryBackoff': 1}}}]}))
    with server:
        asked = Asked(server)
        asked.ask('POST', '/api/v1/namespaces', {'metadata': {'name': 'plain'}})
        asked.ask('POST', '/api/v1/namespaces/plain/serviceaccounts', {'metadata': {'name': 'default'}})

        def run(name, image):
            body = pod(name, containers=[{'name': 'c', 'image': image}])
            body['metadata']['annotations'] = {'x.image-policy.k8s.io/ticket': '7', 'other': 'x'}
            return asked.make('/api/v1/namespaces/plain/pods', body)
        assert run('a', 'good')[0] == 201
        path, review = reviewer.asked[0]
        assert path == '/review?timeout=30s' and review['kind'] == 'ImageReview' and review['apiVersion'] == 'imagepolicy.k8s.io/v1alpha1'
        assert review['spec'] == {'containers': [{'image': 'good'}], 'annotations': {'x.image-policy.k8s.io/ticket': '7'}, 'namespace': 'plain'}
        assert run('b', 'good')[0] == 201 and len(reviewer.asked) == 1      # the answer was kept
        assert run('c', 'bad') == (403, ('pods "c" is forbidden: one or more images rejected by webhook backend', 'Forbidden', {'name': 'c', 'kind': 'pods'}), [])
        assert run('d', 'bad-unsigned')[1][0] == 'pods "d" is forbidden: image policy webhook backend denied one or more images: unsigned'
        assert run('e', 'broken')[0] == 403
    reviewer.shutdown()


BAD = {
    'an unknown plugin': ({**SETTINGS, 'plugins': [{'name': 'Magic'}]}, 'there is no admission plugin "Magic"'),
    'an unknown field': ({**SETTINGS, 'plugin': []}, 'unknown field "plugin"'),
    'a file that is not there': ({**SETTINGS, 'plugins': [{'name': 'PodSecurity', 'path': 'absent.yaml'}]}, 'absent.yaml'),
    'an unknown field of a plugin': ({**SETTINGS, 'plugins': [{'name': 'PodSecurity', 'configuration': {
        'apiVersion': 'pod-security.admission.config.k8s.io/v1', 'kind': 'PodSecurityConfiguration', 'default': {}}}]}, 'unknown field "default"'),
    'a value that the plugin refuses': ({**SETTINGS, 'plugins': [{'name': 'PodSecurity', 'configuration': {
        'apiVersion': 'pod-security.admission.config.k8s.io/v1', 'kind': 'PodSecurityConfiguration', 'defaults': {'enforce': 'strict'}}}]}, 'defaults.enforce'),
}


@pytest.mark.parametrize('what', BAD)
def test_what_is_wrong_is_said_in_one_line(tmp_path, what):
    document, words = BAD[what]
    path = tmp_path / 'admission.yaml'
    path.write_text(yaml.safe_dump(document))
    server = ApiServer(folder=tmp_path / 'server', flags=[f'--admission-control-config-file={path}'])
    done = subprocess.run([pintle_binary(), 'kube-apiserver', *server.arguments(), f'--data-dir={tmp_path}/data'], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if words in line]
    assert done.returncode == 1 and len(said) == 1, done.stderr
