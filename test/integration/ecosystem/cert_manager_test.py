"""cert-manager from its chart: authorities and certificates are issued, refused, issued again; its injector fills in webhooks."""
import base64
import json
import os
import shutil
import subprocess

import pytest
from conftest import program
from support.cluster import run
from support.go_module import module_folder
from support.nodes import await_true
from support.program_image import push_program

VERSION = 'v1.11.5'
PROGRAMS = ('controller', 'webhook', 'cainjector', 'ctl')
SYSTEM, TENANT = 'cert-manager', 'tenant'


def resource(kind, name, spec, **metadata):
    return {'apiVersion': 'cert-manager.io/v1', 'kind': kind, 'metadata': {'name': name, 'namespace': TENANT, **metadata}, 'spec': spec}


def certificate(name, issuer, **spec):
    return resource('Certificate', name, {'secretName': f'{name}-tls', 'issuerRef': {'name': issuer}, 'dnsNames': [f'{name}.example.com'], **spec})


def released_chart(folder):
    """The chart as the project's release tool makes it: the module holds the template of Chart.yaml and keeps the definitions beside."""
    deploy = module_folder('cert-manager', 'github.com/cert-manager/cert-manager') / 'deploy'
    chart = folder / 'cert-manager'
    shutil.copytree(deploy / 'charts/cert-manager', chart, copy_function=shutil.copyfile)
    for path in (chart, *chart.rglob('*')):
        os.chmod(path, 0o755 if path.is_dir() else 0o644)
    text = (chart / 'Chart.template.yaml').read_text().replace('v0.1.0', VERSION).replace('{{IS_PRERELEASE}}', 'false')
    (chart / 'Chart.yaml').write_text(text)
    for path in (deploy / 'crds').glob('*.yaml'):
        (chart / 'templates' / path.name).write_text('{{- if .Values.installCRDs }}\n' + path.read_text() + '\n{{- end }}\n')
    return str(chart)


class CertManager:
    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.environment = {'HOME': str(folder), 'PATH': '/usr/bin:/bin', 'KUBECONFIG': cluster.server.kubeconfig}

    def helm(self, *args):
        done = subprocess.run([program('helm3'), '--namespace', SYSTEM, *args], capture_output=True, text=True, timeout=240, env=self.environment)
        assert done.returncode == 0, f'helm {" ".join(args)}: {done.stdout}{done.stderr}'
        return done.stdout

    def kubectl(self, *args, **kw):
        return self.cluster.kubectl('-n', TENANT, *args, **kw)

    def apply(self, *objects):
        return self.kubectl('apply', '-f', '-', input=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': list(objects)}))

    def refusal(self, obj):
        done = subprocess.run([*self.cluster.kubectl.base, '-n', TENANT, 'apply', '-f', '-'], input=json.dumps(obj), capture_output=True, text=True, timeout=60)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def ready(self, kind, name):
        self.kubectl('wait', f'{kind}/{name}', '--for=condition=Ready', '--timeout=60s')

    def secret(self, name):
        """Its files, written out for openssl."""
        data = json.loads(self.kubectl('get', 'secret', name, '-o', 'json'))['data']
        out = self.folder / name
        out.mkdir(exist_ok=True)
        for key, value in data.items():
            (out / key).write_bytes(base64.b64decode(value))
        return out


@pytest.fixture(scope='module')
def manager(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp('cert-manager')
    made = CertManager(cluster, folder)
    for name in PROGRAMS:
        push_program(cluster.registry, f'quay.io/jetstack/cert-manager-{name}:{VERSION}', program(f'cert-manager-{name}'), at=f'/app/cmd/{name}/{name}')
    try:
        made.helm('install', 'cert-manager', released_chart(folder), '--create-namespace', '--set=installCRDs=true', '--wait', '--timeout=180s')    # with its hook that asks the webhook
        cluster.kubectl('create', 'namespace', TENANT)
        yield made
    finally:
        cluster.kubectl('delete', 'namespace', TENANT, '--ignore-not-found')
        subprocess.run([program('helm3'), '--namespace', SYSTEM, 'uninstall', 'cert-manager', '--wait'], capture_output=True, env=made.environment, timeout=120)
        cluster.kubectl('delete', 'namespace', SYSTEM, '--ignore-not-found')


def test_a_certificate_from_an_authority_of_ones_own(manager):
    manager.apply(resource('Issuer', 'self', {'selfSigned': {}}))
    manager.ready('issuer', 'self')
    manager.apply(certificate('root', 'self', isCA=True, commonName='tenant root', privateKey={'algorithm': 'ECDSA', 'size': 256}),
                  resource('Issuer', 'authority', {'ca': {'secretName': 'root-tls'}}),
                  certificate('shop', 'authority', duration='2h', renewBefore='1h', usages=['server auth', 'client auth']))
    manager.ready('issuer', 'authority')
    manager.ready('certificate', 'shop')
    files = manager.secret('shop-tls')
    assert sorted(p.name for p in files.iterdir()) == ['ca.crt', 'tls.crt', 'tls.key']
    assert 'OK' in run('openssl', 'verify', '-CAfile', str(files / 'ca.crt'), '-verify_hostname', 'shop.example.com', '-purpose', 'sslserver', str(files / 'tls.crt'))
    key = run('openssl', 'pkey', '-in', str(files / 'tls.key'), '-pubout')
    assert key == run('openssl', 'x509', '-in', str(files / 'tls.crt'), '-noout', '-pubkey')
    request = manager.kubectl('get', 'certificaterequests', '-o', 'jsonpath={.items[?(@.spec.issuerRef.name=="authority")].status.conditions[?(@.type=="Ready")].reason}')
    assert request == 'Issued'
    events = manager.kubectl('get', 'events', '--field-selector=involvedObject.name=shop,involvedObject.kind=Certificate', '-o', 'jsonpath={.items[*].reason}').split()
    assert {'Issuing', 'Generated', 'Requested'} <= set(events)


def serial(manager, name):
    return run('openssl', 'x509', '-in', str(manager.secret(name) / 'tls.crt'), '-noout', '-serial')


def test_what_is_deleted_is_issued_again_and_what_changes_too(manager):
    first = serial(manager, 'shop-tls')
    manager.kubectl('delete', 'secret', 'shop-tls')
    second = await_true('the certificate again', lambda: serial(manager, 'shop-tls'))
    assert second != first
    manager.ready('certificate', 'shop')
    manager.kubectl('patch', 'certificate', 'shop', '--type=merge', '-p', '{"spec":{"dnsNames":["shop.example.com","www.example.com"]}}')
    await_true('both names', lambda: 'DNS:www.example.com' in run('openssl', 'x509', '-in', str(manager.secret('shop-tls') / 'tls.crt'), '-noout', '-ext', 'subjectAltName'))
    manager.ready('certificate', 'shop')
    assert int(manager.kubectl('get', 'certificate', 'shop', '-o', 'jsonpath={.status.revision}')) >= 3


def test_the_webhook_refuses_what_cannot_be(manager):
    short = manager.refusal(certificate('short', 'authority', duration='30m', renewBefore='10m'))
    assert 'admission webhook "webhook.cert-manager.io" denied the request' in short and 'spec.duration: Invalid value' in short
    assert 'at least one of' in manager.refusal(certificate('nameless', 'authority', dnsNames=[]))
    assert 'may not specify more than one issuer type' in manager.refusal(resource('Issuer', 'both', {'selfSigned': {}, 'ca': {'secretName': 'root-tls'}}))
    assert 'Unsupported value' in manager.refusal(certificate('odd', 'authority', privateKey={'algorithm': 'ROT13'}))


def test_the_injector_fills_in_an_authority(manager):
    hook = {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingWebhookConfiguration',
            'metadata': {'name': 'tenant-hooks', 'annotations': {'cert-manager.io/inject-ca-from': f'{TENANT}/root'}},
            'webhooks': [{'name': 'none.example.com', 'admissionReviewVersions': ['v1'], 'sideEffects': 'None', 'failurePolicy': 'Ignore', 'rules': [],
                          'clientConfig': {'service': {'name': 'none', 'namespace': TENANT}}}]}
    manager.cluster.kubectl.apply(hook)
    try:
        def injected():
            return manager.cluster.kubectl('get', 'validatingwebhookconfiguration', 'tenant-hooks', '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}')
        bundle = await_true('the bundle', injected)
        assert base64.b64decode(bundle) == (manager.secret('root-tls') / 'ca.crt').read_bytes()
    finally:
        manager.cluster.kubectl('delete', 'validatingwebhookconfiguration', 'tenant-hooks')


def test_an_authority_that_is_missing_is_waited_for(manager):
    manager.apply(certificate('early', 'later'))
    await_true('not ready', lambda: manager.kubectl('get', 'certificate', 'early', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == 'False')
    manager.apply(resource('Issuer', 'later', {'selfSigned': {}}))
    manager.ready('certificate', 'early')
