"""prometheus-operator from its bundle, and the Prometheus that it runs: definitions of megabytes, StatefulSets, generated configuration, webhooks."""
import base64
import gzip
import json
import subprocess
import urllib.parse

import pytest
import yaml
from conftest import program
from support.cluster import Pki
from support.go_module import module_folder
from support.nodes import await_true, condition
from support.program_image import push_program

MODULE = 'github.com/prometheus-operator/prometheus-operator'
GROUP = 'monitoring.coreos.com'
PROMETHEUS = 'v3.13.0'
OPERATOR = {'app.kubernetes.io/component': 'controller', 'app.kubernetes.io/name': 'prometheus-operator'}
WEBHOOK = 'prometheus-operator-admission-webhook'


def custom(kind, name, spec, version='v1', labels=None):
    return {'apiVersion': f'{GROUP}/{version}', 'kind': kind, 'metadata': {'name': name, 'namespace': 'default', 'labels': labels or {}}, 'spec': spec}


SERVER = custom('Prometheus', 'main', {'replicas': 1, 'version': PROMETHEUS, 'serviceAccountName': 'prometheus', 'serviceMonitorSelector': {}, 'ruleSelector': {}, 'scrapeInterval': '1s',
                                       'evaluationInterval': '1s', 'resources': {'requests': {'memory': '64Mi'}}, 'externalLabels': {'cluster': 'test'}})
MONITOR = custom('ServiceMonitor', 'operator', {'selector': {'matchLabels': OPERATOR}, 'endpoints': [{'port': 'http', 'interval': '1s'}]})


def rule(name, expression):
    return custom('PrometheusRule', name, {'groups': [{'name': name, 'rules': [{'record': f'{name}:up', 'expr': expression}]}]})


@pytest.fixture(scope='module')
def folder():
    return module_folder('prometheus-operator', MODULE)


@pytest.fixture(scope='module')
def operator(cluster, folder):
    version = folder.name.rpartition('@')[2]
    for image, name in (('prometheus-operator', 'prometheus-operator'), ('prometheus-config-reloader', 'prometheus-config-reloader'), ('admission-webhook', 'prometheus-admission-webhook')):
        push_program(cluster.registry, f'quay.io/prometheus-operator/{image}:{version}', program(name), at=f'/bin/{name}')
    push_program(cluster.registry, f'quay.io/prometheus/prometheus:{PROMETHEUS}', program('prometheus'), at='/bin/prometheus')
    cluster.kubectl('apply', '--server-side', '-f', str(folder / 'bundle.yaml'))
    cluster.kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=60s')
    cluster.kubectl('apply', '-f', str(folder / 'example/rbac/prometheus'), '--selector=prometheus!=prometheus')   # the rights of a Prometheus, not the example of one
    cluster.kubectl('rollout', 'status', 'deployment/prometheus-operator', '--timeout=90s')
    yield cluster
    cluster.kubectl('delete', 'validatingwebhookconfiguration', 'rules', '--ignore-not-found')
    cluster.kubectl('delete', 'prometheuses,servicemonitors,prometheusrules,alertmanagerconfigs', '--all')
    cluster.kubectl('delete', '-f', str(folder / 'example/rbac/prometheus'), '--selector=prometheus!=prometheus')
    cluster.kubectl('delete', '-f', str(folder / 'example/admission-webhook'), '--ignore-not-found')
    cluster.kubectl('delete', '-f', str(folder / 'bundle.yaml'))


@pytest.fixture(scope='module')
def prometheus(operator):
    operator.kubectl.apply(SERVER)
    operator.kubectl.apply(MONITOR)
    await_true('the Prometheus is available', lambda: condition(operator.kubectl.json('get', 'prometheus', 'main'), 'Available') == 'True', timeout_s=90)
    return operator


def asked(cluster, path, **query):
    """Prometheus' own API, through this server's proxy to its service."""
    text = f'?{urllib.parse.urlencode(query)}' if query else ''
    return json.loads(cluster.kubectl('get', '--raw', f'/api/v1/namespaces/default/services/prometheus-operated:web/proxy/api/v1/{path}{text}'))['data']


def generated(cluster):
    packed = cluster.kubectl.json('get', 'secret', 'prometheus-main')['data']['prometheus.yaml.gz']
    return yaml.safe_load(gzip.decompress(base64.b64decode(packed)))


def refused(cluster, manifest):
    done = subprocess.run([*cluster.kubectl.base, 'apply', '-f', '-'], input=json.dumps(manifest), capture_output=True, text=True, timeout=60)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_its_definitions_are_applied_once(operator, folder):
    """Half a megabyte of schema each: nothing of it is lost, so that a second application changes nothing."""
    def revisions():
        return {c['metadata']['name']: c['metadata']['resourceVersion'] for c in operator.kubectl.json('get', 'crds')['items'] if c['spec']['group'] == GROUP}
    before = revisions()
    assert len(before) == 10
    operator.kubectl('apply', '--server-side', '-f', str(folder / 'bundle.yaml'))
    assert revisions() == before
    assert 'basicAuth' in operator.kubectl('explain', 'prometheus.spec.remoteWrite')


def test_a_schema_refuses(operator):
    bad = custom('Prometheus', 'bad', {'retention': 'for ever', 'replicas': 1})
    assert 'spec.retention in body should match' in refused(operator, bad)
    bad = custom('ServiceMonitor', 'bad', {'selector': {}, 'endpoints': [{'port': 'a', 'scheme': 'ftp'}]})
    assert 'Unsupported value: "ftp"' in refused(operator, bad)


def test_a_prometheus_is_a_stateful_set(prometheus):
    kubectl = prometheus.kubectl
    made = kubectl.json('get', 'statefulset', 'prometheus-main')
    assert made['metadata']['ownerReferences'][0]['kind'] == 'Prometheus' and made['status']['readyReplicas'] == 1
    pod = kubectl.json('get', 'pod', 'prometheus-main-0')
    assert {c['name'] for c in pod['spec']['containers']} == {'prometheus', 'config-reloader'} and condition(pod, 'Ready') == 'True'
    shown = kubectl('get', 'prometheus', 'main').splitlines()
    assert shown[0].split() == ['NAME', 'VERSION', 'DESIRED', 'READY', 'RECONCILED', 'AVAILABLE', 'AGE']
    assert shown[1].split()[:6] == ['main', PROMETHEUS, '1', '1', 'True', 'True']
    assert kubectl('get', 'prometheus', 'main', '-o', 'jsonpath={.status.shardStatuses[0].availableReplicas}') == '1'


def test_a_service_monitor_is_scraped(prometheus):
    jobs = await_true('the monitor is in the configuration', lambda: [s for s in generated(prometheus).get('scrape_configs') or [] if s['job_name'] == 'serviceMonitor/default/operator/0'])
    assert jobs[0]['kubernetes_sd_configs'][0]['role'] in ('endpoints', 'endpointslice')
    assert generated(prometheus)['global']['external_labels']['cluster'] == 'test'
    # Its discovery watches this server; the configuration reaches it through the Secret's volume.
    found = await_true('the operator is scraped', lambda: asked(prometheus, 'query', query='up{job="prometheus-operator"} == 1')['result'], timeout_s=120)
    assert found[0]['metric']['namespace'] == 'default' and found[0]['metric']['pod'].startswith('prometheus-operator-')
    prometheus.kubectl('delete', 'servicemonitor', 'operator')
    await_true('and forgotten', lambda: not generated(prometheus).get('scrape_configs'))


def test_rules_are_evaluated(prometheus):
    prometheus.kubectl.apply(rule('summed', 'vector(7)'))
    await_true('the rule is mounted and evaluated', lambda: asked(prometheus, 'query', query='summed:up')['result'][0]['value'][1] == '7', timeout_s=120)


def test_its_webhooks(prometheus, folder, tmp_path):
    """An invalid rule is refused by admission, and AlertmanagerConfigs are converted between versions."""
    kubectl, pki = prometheus.kubectl, Pki(tmp_path)
    pki.issue('webhook', f'/CN={WEBHOOK}', f'subjectAltName=DNS:{WEBHOOK}.default.svc\nextendedKeyUsage=serverAuth')
    kubectl('create', 'secret', 'tls', 'admission-webhook-certs', f'--cert={pki.path("webhook.crt")}', f'--key={pki.path("webhook.key")}')
    kubectl('apply', '-f', str(folder / 'example/admission-webhook'))
    kubectl('scale', 'deployment', WEBHOOK, '--replicas=1')     # its pods want a node each
    kubectl('rollout', 'status', f'deployment/{WEBHOOK}', '--timeout=60s')
    client = {'caBundle': base64.b64encode(open(pki.ca, 'rb').read()).decode(), 'service': {'name': WEBHOOK, 'namespace': 'default', 'path': '/admission-prometheusrules/validate'}}
    kubectl.apply({'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingWebhookConfiguration', 'metadata': {'name': 'rules'}, 'webhooks': [
        {'name': f'prometheusrulevalidate.{GROUP}', 'clientConfig': client, 'failurePolicy': 'Fail', 'sideEffects': 'None', 'admissionReviewVersions': ['v1', 'v1beta1'],
         'rules': [{'apiGroups': [GROUP], 'apiVersions': ['*'], 'operations': ['CREATE', 'UPDATE'], 'resources': ['prometheusrules']}]}]})
    await_true('an invalid rule is refused', lambda: 'could not parse expression' in refused(prometheus, rule('bad', 'sum(')))
    kubectl.apply(rule('good', 'sum(up)'))

    with open(folder / f'example/prometheus-operator-crd-full/{GROUP}_alertmanagerconfigs.yaml') as f:
        definition = f.read()
    kubectl('apply', '--server-side', '--force-conflicts', '-f', '-', input=definition)
    convert = {'clientConfig': {**client, 'service': {**client['service'], 'path': '/convert'}}, 'conversionReviewVersions': ['v1beta1', 'v1alpha1']}
    kubectl('patch', 'crd', f'alertmanagerconfigs.{GROUP}', '--type=merge', '-p', json.dumps({'spec': {'conversion': {'strategy': 'Webhook', 'webhook': convert}}}))
    spec = {'route': {'receiver': 'nobody', 'matchers': [{'name': 'team', 'value': 'blue', 'matchType': '='}]}, 'receivers': [{'name': 'nobody'}],
            'muteTimeIntervals': [{'name': 'weekend', 'timeIntervals': [{'weekdays': ['saturday', 'sunday']}]}]}
    await_true('an object of the older version', lambda: kubectl.apply(custom('AlertmanagerConfig', 'quiet', spec, version='v1alpha1')))
    newer = kubectl.json('get', f'alertmanagerconfigs.v1beta1.{GROUP}', 'quiet')['spec']
    assert newer['timeIntervals'][0]['name'] == 'weekend' and 'muteTimeIntervals' not in newer, 'the field has another name in v1beta1'
    assert kubectl.json('get', f'alertmanagerconfigs.v1alpha1.{GROUP}', 'quiet')['spec'] == spec


def test_more_replicas_then_none(prometheus):
    kubectl = prometheus.kubectl
    kubectl('patch', 'prometheus', 'main', '--type=merge', '-p', '{"spec":{"replicas":2}}')
    await_true('two pods', lambda: kubectl.json('get', 'statefulset', 'prometheus-main')['status'].get('readyReplicas') == 2, timeout_s=90)
    kubectl('delete', 'prometheus', 'main')
    await_true('its StatefulSet and pods are gone', lambda: kubectl('get', 'statefulsets,pods', '-l', 'operator.prometheus.io/name=main', '-o', 'name') == '', timeout_s=90)
