"""Nothing fails open: a flag that protects something works or stops the start, no mode of authorization lets in who has no name, and a
credential that is no good never makes its sender anonymous."""
import re
import subprocess

import pytest

from support.cluster import ApiServer, Pki, Process, free_port, pintle_binary, run, wait_for
from support.hostile import BoundedServer

COMPONENTS = ('kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy')
# What a flag that protects something, or says where data lies, has in its name.
PROTECTS = re.compile(r'admission|allow-privileged|anonymous|audit|authentication|authorization|bearer|ca-file|certificate|cert-|credential|curve|disable-http2|egress|encrypt|etcd|'
                      r'-key|oidc|peer-|privileged|protect|read-only|requestheader|rotate|seccomp|security|service-account|signing|storage-backend|sysctl|tls|token')
# Flags like these that are announced alone, and why ignoring them leaves nothing open: pattern of component and flag.
HARMLESS = {
    r'kube-apiserver audit-(log|webhook)-.*': 'they shape what --audit-log-path and --audit-webhook-config-file ask for, which are refused',
    r'kube-apiserver authentication-token-webhook-(cache-ttl|version)': 'of --authentication-token-webhook-config-file, which is refused',
    r'kube-apiserver authorization-webhook-(cache-.*|version)': 'of --authorization-webhook-config-file, which is refused',
    r'kube-apiserver encryption-provider-config-automatic-reload': 'of --encryption-provider-config, which is refused',
    r'kube-apiserver etcd-(compaction-interval|count-metric-poll-period|db-metric-poll-interval|healthcheck-timeout|readycheck-timeout)': 'times of an etcd that --etcd-servers would name',
    r'kube-apiserver peer-.*': 'no request is sent to another API server',
    r'kube-apiserver debug-socket-path': 'the socket is not made',
    r'(kube-controller-manager|kube-scheduler) authentication-(skip-lookup|tolerate-lookup-failure)': 'the settings in the cluster are not read: fewer callers are known',
    r'kube-controller-manager (authentication|authorization)-kubeconfig': 'the API server is asked about callers as who --kubeconfig says',
    r'kube-controller-manager concurrent-.*-syncs': 'how much is done at once',
}
REFUSED = 'refused until it works'
ANNOUNCED = 'checked, without effect yet'


def flags_of(component):
    """name → (type, what the help says at the end)."""
    text = run(pintle_binary(), component, '--help')
    lines = re.findall(r'^  (?:-\w, |    )--([a-z0-9-]+) (\S*) *(.*)$', text, re.M)
    assert len(lines) > 40, text
    return {name: (kind, rest) for name, kind, rest in lines}


def is_harmless(component, flag):
    return any(re.fullmatch(pattern, f'{component} {flag}') for pattern in HARMLESS)


@pytest.mark.parametrize('component', COMPONENTS)
def test_every_flag_that_protects_works_or_is_refused(component):
    silent = [name for name, (_, rest) in flags_of(component).items() if PROTECTS.search(name) and ANNOUNCED in rest and not is_harmless(component, name)]
    assert silent == []


def test_no_reason_is_stale():
    announced = [f'{c} {name}' for c in COMPONENTS for name, (_, rest) in flags_of(c).items() if ANNOUNCED in rest]
    assert [p for p in HARMLESS if not any(re.fullmatch(p, flag) for flag in announced)] == []


def other_value(kind, rest):
    return {'int': '7', 'float': '0.5', 'duration': '7m', 'ints': '29', 'cert,key': '/no/such.crt,/no/such.key', 'key=value,...': 'a=b'}.get(kind, 'false' if '(default true)' in rest else 'true' if kind == '' else '/no/such/file')


@pytest.mark.parametrize('component', COMPONENTS)
def test_a_refused_flag_stops_the_start(component):
    for name, (kind, rest) in flags_of(component).items():
        if REFUSED not in rest:
            continue
        kind = kind if kind in ('int', 'float', 'duration', 'ints', 'string', 'strings', 'stringArray', 'ip', 'quantity', 'version', 'cert,key', 'key=value,...', 'portRange') else ''
        done = subprocess.run([pintle_binary(), component, f'--{name}={other_value(kind, rest)}'], capture_output=True, text=True, timeout=20)
        said = (done.stdout + done.stderr).strip()
        assert done.returncode == 1 and said.startswith(f'Error: --{name}: ') and '\n' not in said, f'{name}: {done.returncode} {said}'


@pytest.mark.parametrize('flag', ['etcd-servers=http://127.0.0.1:1', 'encryption-provider-config=/no/such', 'audit-policy-file=/no/such', 'authorization-config=/no/such',
                                  'authentication-config=/no/such', 'requestheader-client-ca-file=/no/such', 'tls-sni-cert-key=a,b', 'oidc-issuer-url=https://a'])
def test_what_an_installer_writes_is_not_ignored(flag):
    done = subprocess.run([pintle_binary(), 'kube-apiserver', f'--{flag}'], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and f'--{flag.split("=")[0]}' in done.stderr


class Unauthorized(ApiServer):
    """A server whose command line says nothing of authorization."""

    def arguments(self):
        return [a for a in super().arguments() if not a.startswith('--authorization-mode')]


@pytest.mark.parametrize('make', [Unauthorized, lambda: ApiServer(flags=['--authorization-mode=AlwaysAllow', '--anonymous-auth=true'])])
def test_always_allow_is_not_for_those_without_a_name(make):
    with make() as server:
        for path in ('/api/v1/secrets', '/readyz', '/version'):
            assert ask_without_credentials(server, path) == 401, path
        assert server.get('/readyz') == b'ok'
        assert 'Anonymous requests are refused' in server.server.tail()


def status_of(server_url, ca, path, *curl):
    return int(run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', ca, *curl, server_url + path))


def ask_without_credentials(server, path):
    return status_of(server.url, server.pki.ca, path)


@pytest.fixture(scope='module')
def strangers(tmp_path_factory, running_server):
    """Client certificates that are no good, by what is wrong with them: (certificate, key)."""
    own = running_server.server.pki
    other = Pki(tmp_path_factory.mktemp('other'))
    other.issue('admin', '/O=system:masters/CN=admin')
    own.issue('serving', '/O=system:masters/CN=admin', 'extendedKeyUsage=serverAuth')
    run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/O=system:masters/CN=admin', '-keyout', own.path('expired.key'), '-out', own.path('expired.csr'))
    run('openssl', 'x509', '-req', '-in', own.path('expired.csr'), '-CA', own.ca, '-CAkey', own.ca_key, '-CAserial', own.path('serial'), '-days', '-1', '-out', own.path('expired.crt'))
    run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3', '-subj', '/O=system:masters/CN=admin', '-keyout', own.path('self.key'), '-out', own.path('self.crt'))
    return {'of another authority': (other.path('admin.crt'), other.path('admin.key')), 'for servers': (own.path('serving.crt'), own.path('serving.key')),
            'expired': (own.path('expired.crt'), own.path('expired.key')), 'signed by itself': (own.path('self.crt'), own.path('self.key'))}


@pytest.mark.parametrize('fault', ['of another authority', 'for servers', 'expired', 'signed by itself'])
@pytest.mark.parametrize('http', ['--http1.1', '--http2'])
def test_a_client_certificate_that_does_not_verify(bounded_server, strangers, fault, http):
    cert, key = strangers[fault]
    server = bounded_server.server
    for path in ('/api/v1/namespaces', '/version', '/readyz'):
        assert status_of(server.url, server.pki.ca, path, http, '--cert', cert, '--key', key) == 401, path
    # Without it the same client is anonymous, and may see what anonymous clients may.
    assert status_of(server.url, server.pki.ca, '/version', http) == 200


@pytest.mark.parametrize('component', ['kube-controller-manager', 'kube-scheduler'])
def test_the_secure_port_of_a_component(running_server, strangers, tmp_path, component):
    server, port = running_server.server, free_port()
    args = [pintle_binary(), component, '--bind-address=127.0.0.1', f'--secure-port={port}', f'--client-ca-file={server.pki.ca}', '--leader-elect=false', f'--cert-dir={tmp_path}',
            *(f'--{name}kubeconfig={server.kubeconfig}' for name in ('', 'authentication-', 'authorization-'))]
    process = Process(args, tmp_path / 'log')
    try:
        url = f'https://127.0.0.1:{port}'
        wait_for(lambda: code(url + '/healthz') == 200, 'healthz', process)
        assert code(url + '/metrics') == 403
        assert code(url + '/metrics', '-H', 'Authorization: Bearer wrong') == 401
        assert code(url + '/metrics', '--cert', server.pki.path('admin.crt'), '--key', server.pki.path('admin.key')) == 200
        for fault, (cert, key) in strangers.items():
            assert code(url + '/metrics', '--cert', cert, '--key', key) == 401, fault
    finally:
        process.stop()


def code(url, *curl):
    return int(run('curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', *curl, url))


@pytest.mark.parametrize('header', ['Authorization: Bearer wrong', 'Authorization: Bearer abcdef.0123456789abcdef', 'Authorization: bearer eyJhbGciOiJub25lIn0.e30.'])
def test_a_token_that_nobody_knows(bounded_server, header):
    assert status_of(bounded_server.server.url, bounded_server.ca, '/version', '-H', header) == 401


@pytest.mark.parametrize('protocols', ['base64url.bearer.authorization.k8s.io.d3Jvbmc, v4.channel.k8s.io', 'base64url.bearer.authorization.k8s.io.*, v4.channel.k8s.io',
                                       'base64url.bearer.authorization.k8s.io.d3Jvbmc', 'base64url.bearer.authorization.k8s.io.YQ,base64url.bearer.authorization.k8s.io.YQ,v4.channel.k8s.io'])
def test_a_token_among_subprotocols(bounded_server, protocols):
    upgrade = ['--http1.1', '-H', 'Connection: Upgrade', '-H', 'Upgrade: websocket', '-H', 'Sec-WebSocket-Version: 13', '-H', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']
    assert status_of(bounded_server.server.url, bounded_server.ca, '/version', *upgrade, '-H', f'Sec-WebSocket-Protocol: {protocols}') == 401


def container(**context):
    return {'name': 'c', 'image': 'i', 'securityContext': context}


def kinds_with_pods(ns, container_):
    """Path and object of each kind that holds a pod's specification."""
    spec = {'containers': [container_]}
    labels = {'app': 'a'}
    template = {'metadata': {'labels': labels}, 'spec': spec}
    job = {'template': {'spec': {**spec, 'restartPolicy': 'Never'}}}
    apps = {'selector': {'matchLabels': labels}, 'template': template}
    for group, plural, kind, body in (
            ('api/v1', 'pods', 'Pod', {'spec': spec}), ('api/v1', 'podtemplates', 'PodTemplate', {'template': template}),
            ('api/v1', 'replicationcontrollers', 'ReplicationController', {'spec': {'selector': labels, 'template': template}}),
            ('apis/apps/v1', 'deployments', 'Deployment', {'spec': apps}), ('apis/apps/v1', 'replicasets', 'ReplicaSet', {'spec': apps}),
            ('apis/apps/v1', 'daemonsets', 'DaemonSet', {'spec': apps}), ('apis/apps/v1', 'statefulsets', 'StatefulSet', {'spec': {**apps, 'serviceName': 's'}}),
            ('apis/batch/v1', 'jobs', 'Job', {'spec': job}), ('apis/batch/v1', 'cronjobs', 'CronJob', {'spec': {'schedule': '* * * * *', 'jobTemplate': {'spec': job}}})):
        version = group.split('/', 1)[1]
        yield f'/{group}/namespaces/{ns}/{plural}', {'apiVersion': version, 'kind': kind, 'metadata': {'name': 'a', 'namespace': ns}, **body}


@pytest.fixture(scope='module')
def unprivileged():
    with BoundedServer(flags=['--allow-privileged=false']) as server:
        yield server


def test_privileged_containers_need_the_flag(unprivileged):
    ns = unprivileged.namespace()
    for path, body in kinds_with_pods(ns, container(privileged=True)):
        answer = unprivileged.ask(unprivileged.admin, 'POST', path, body)
        assert answer.status == 422 and answer.json()['details']['causes'][0]['message'].endswith('disallowed by cluster policy'), (path, answer)
    for path, body in kinds_with_pods(ns, container(privileged=False)):
        answer = unprivileged.ask(unprivileged.admin, 'POST', path, body)
        assert answer.status == 201, (path, answer)
    # By any other door: a patch, an update, an apply, a container that comes later.
    privileged = {'spec': {'template': {'spec': {'containers': [container(privileged=True)]}}}}
    answer = unprivileged.ask(unprivileged.admin, 'PATCH', f'/apis/apps/v1/namespaces/{ns}/deployments/a', privileged, {'Content-Type': 'application/strategic-merge-patch+json'})
    assert answer.status == 422, answer
    debug = {'spec': {'ephemeralContainers': [{'name': 'd', 'image': 'i', 'securityContext': {'privileged': True}}]}}
    answer = unprivileged.ask(unprivileged.admin, 'PATCH', f'/api/v1/namespaces/{ns}/pods/a/ephemeralcontainers', debug, {'Content-Type': 'application/strategic-merge-patch+json'})
    assert answer.status == 422, answer
    unprivileged.check_unharmed()


def test_privileged_containers_with_the_flag(bounded_server):
    ns = bounded_server.namespace()
    for path, body in kinds_with_pods(ns, container(privileged=True)):
        answer = bounded_server.ask(bounded_server.admin, 'POST', path, body)
        assert answer.status == 201, (path, answer)
