"""An operator of controller-runtime, as kubebuilder lays one out (test/ecosystem/operator): versions, webhooks, leaders, finalizers, owners."""
import base64
import json
import pathlib
import subprocess

import pytest
from conftest import program
from support.cluster import ROOT, Pki, run
from support.nodes import await_true
from support.program_image import push_program

CONFIG = ROOT / 'test/ecosystem/operator/config'
SYSTEM, SITES = 'websites-system', 'sites'
SITE_IMAGE = '123456789.dkr.ecr.us-east-1.amazonaws.com/day:v1.2.3'
V1ALPHA1 = 'websites.v1alpha1.sites.example.com'
V1 = 'websites.v1.sites.example.com'


def website(name, version='v1', annotations=None, **spec):
    return {'apiVersion': f'sites.example.com/{version}', 'kind': 'Website', 'metadata': {'name': name, 'namespace': SITES, 'annotations': annotations or {}}, 'spec': spec}


class Operator:
    def __init__(self, cluster):
        self.cluster = cluster

    def kubectl(self, *args, **kw):
        return self.cluster.kubectl('-n', SITES, *args, **kw)

    def tried(self, *args, input=None):
        """Both streams of a kubectl that may fail, and whether it did not."""
        done = subprocess.run([*self.cluster.kubectl.base, '-n', SITES, *args], input=input, capture_output=True, text=True, timeout=60)
        return done.returncode == 0, done.stdout + done.stderr

    def refusal(self, *args, input=None):
        done, said = self.tried(*args, input=input)
        assert not done, said
        return said

    def apply(self, *objects):
        return self.kubectl('apply', '-f', '-', input=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': list(objects)}))

    def value(self, kind, name, path):
        return self.kubectl('get', kind, name, '-o', f'jsonpath={{{path}}}')

    def json(self, *args):
        return json.loads(self.kubectl(*args, '-o', 'json'))

    def install(self, pki):
        for name in ('crd', 'rbac', 'manager'):
            text = (CONFIG / f'{name}.yaml').read_text()
            if name == 'manager':
                self.cluster.kubectl('create', 'secret', 'tls', 'website-operator-certificates', '-n', SYSTEM, f'--cert={pki.path("hooks.crt")}', f'--key={pki.path("hooks.key")}')
            authority = base64.b64encode(pathlib.Path(pki.ca).read_bytes()).decode()
            self.cluster.kubectl.apply(text.replace('CA_BUNDLE', authority).replace('SITE_IMAGE', SITE_IMAGE))
        self.cluster.kubectl('create', 'namespace', SITES)
        self.rolled_out()

    def rolled_out(self):
        self.cluster.kubectl('rollout', 'status', '-n', SYSTEM, 'deployment/website-operator', '--timeout=90s')

    def leader(self):
        """The pod that leads; '' while nobody does."""
        return self.cluster.kubectl('get', 'lease', '-n', SYSTEM, 'websites.sites.example.com', '-o', 'jsonpath={.spec.holderIdentity}').partition('_')[0]

    def ready(self, name, kind=V1):
        self.kubectl('wait', f'{kind}/{name}', '--for=condition=Ready', '--timeout=60s')

    def pod_ip(self):
        return self.cluster.kubectl('get', 'pods', '-n', SYSTEM, '-l', 'app=website-operator', '-o', 'jsonpath={.items[0].status.podIP}')


@pytest.fixture(scope='module')
def operator(cluster, tmp_path_factory):
    push_program(cluster.registry, 'ghcr.io/example/website-operator:v1', program('operator'))
    pki = Pki(tmp_path_factory.mktemp('operator'))
    pki.issue('hooks', '/CN=website-operator', f'subjectAltName=DNS:website-operator.{SYSTEM}.svc\nextendedKeyUsage=serverAuth')
    made = Operator(cluster)
    try:
        made.install(pki)
        yield made
    finally:
        cluster.kubectl('delete', 'namespace', SITES, '--ignore-not-found')
        for name in ('manager', 'rbac', 'crd'):
            cluster.kubectl('delete', '-f', str(CONFIG / f'{name}.yaml'), '--ignore-not-found')


def test_a_site_is_served_and_follows_its_spec(operator):
    operator.apply(website('corner', domain='corner.example.com', replicas=2, page={'title': 'Corner', 'body': 'open'}))
    operator.ready('corner')
    assert operator.value(V1, 'corner', '.status.readyReplicas') == '2'
    assert operator.value('configmap', 'corner-page', '.data.index\\.html') == 'Corner | open'
    pod = operator.json('get', 'pods', '-l', 'sites.example.com/website=corner')['items'][0]['status']['podIP']
    assert run(*operator.cluster.server.command('curl', '-s', f'http://{pod}:8001/env?PAGE')).strip() == 'Corner | open'
    owner = operator.json('get', 'deployment', 'corner')['metadata']['ownerReferences'][0]
    assert (owner['apiVersion'], owner['kind'], owner['name'], owner['controller']) == ('sites.example.com/v1', 'Website', 'corner', True)

    operator.kubectl('scale', 'website/corner', '--replicas=1')
    operator.kubectl('wait', 'website/corner', '--for=jsonpath={.status.readyReplicas}=1', '--timeout=60s')
    operator.ready('corner')
    operator.kubectl('delete', 'configmap', 'corner-page')      # what is taken away comes again
    await_true('the page again', lambda: operator.value('configmap', 'corner-page', '.data.index\\.html') == 'Corner | open')
    def reasons():
        return {e['reason'] for e in operator.json('get', 'events.events.k8s.io', '--field-selector=regarding.name=corner,regarding.kind=Website')['items']}
    await_true('its events', lambda: {'Adopted', 'Serving'} <= reasons())
    assert 'Adopted' in operator.kubectl('describe', 'website', 'corner')


def test_versions_convert_both_ways(operator):
    done, said = operator.tried('apply', '-f', '-', input=json.dumps(website('old', 'v1alpha1', domain='old.example.com', size=1, greeting='Old: but good')))
    assert done and 'Warning: sites.example.com/v1alpha1 Website goes; say v1' in said
    assert json.loads(operator.value(V1, 'old', '.spec')) == {'domain': 'old.example.com', 'replicas': 1, 'page': {'title': 'Old', 'body': 'but good'}}
    operator.ready('old', V1ALPHA1)      # lists and watches say the version that was asked for
    operator.kubectl('wait', f'{V1ALPHA1}/old', '--for=jsonpath={.status.ready}=1', '--timeout=60s')

    operator.apply(website('new', domain='new.example.com', replicas=0, page={'title': 'New', 'body': 'times'}))
    assert json.loads(operator.value(V1ALPHA1, 'new', '.spec')) == {'domain': 'new.example.com', 'size': 0, 'greeting': 'New: times'}
    operator.kubectl('patch', V1ALPHA1, 'new', '--type=merge', '-p', '{"spec":{"greeting":"Newer: still"}}')
    assert json.loads(operator.value(V1, 'new', '.spec.page')) == {'title': 'Newer', 'body': 'still'}
    operator.kubectl('scale', f'{V1ALPHA1}/new', '--replicas=1')
    assert operator.value(V1, 'new', '.spec.replicas') == '1'
    listed = {i['metadata']['name']: i for i in operator.json('get', V1ALPHA1)['items']}
    assert {'old', 'new'} <= set(listed) and {i['apiVersion'] for i in listed.values()} == {'sites.example.com/v1alpha1'}
    assert 'GREETING' in operator.kubectl('get', V1ALPHA1) and 'TITLE' in operator.kubectl('get', 'site')
    assert operator.kubectl('get', 'site', '--field-selector=spec.domain=old.example.com', '-o', 'name').split() == ['website.sites.example.com/old']
    assert 'How many pods serve it.' in operator.kubectl('explain', 'websites.spec.size', '--api-version=sites.example.com/v1alpha1')

    applied = website('applied', 'v1alpha1', domain='applied.example.com', size=0, greeting='One: a')
    operator.kubectl('apply', '--server-side', '-f', '-', input=json.dumps(applied))
    applied['spec']['greeting'] = 'Two: b'
    operator.kubectl('apply', '--server-side', '-f', '-', input=json.dumps(applied))
    assert json.loads(operator.value(V1, 'applied', '.spec.page')) == {'title': 'Two', 'body': 'b'}
    conflict = operator.refusal('apply', '--server-side', '--field-manager=other', '-f', '-', input=json.dumps(website('applied', 'v1alpha1', domain='applied.example.com', greeting='Three: c')))
    assert 'conflict' in conflict and '.spec.greeting' in conflict

    operator.apply(website('split', domain='split.example.com', replicas=0, page={'title': 'a: b'}))
    assert 'the title "a: b" cannot be said in v1alpha1' in operator.refusal('get', V1ALPHA1, 'split')
    operator.kubectl('delete', 'website', 'split', 'applied')


def test_admission_fills_in_and_refuses(operator):
    operator.apply(website('plain', domain='plain.example.com'))
    made = operator.json('get', V1, 'plain')
    assert made['spec'] == {'domain': 'plain.example.com', 'replicas': 1, 'page': {'title': 'Welcome to plain.example.com'}}
    assert made['metadata']['annotations']['sites.example.com/created-by'] == operator.kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')
    operator.apply(website('older', 'v1alpha1', domain='older.example.com', size=0, greeting='hello'))     # webhooks of v1 see v1alpha1 as v1
    assert operator.value(V1ALPHA1, 'older', '.spec.greeting') == 'Welcome to older.example.com: hello'

    said = operator.refusal('create', '-f', '-', input=json.dumps(website('many', domain='many.example.com', replicas=6)))
    assert said == 'The Website "many" is invalid: spec.replicas: Invalid value: 6: a site has at most 5 replicas\n'
    assert 'a site has at most 5 replicas' in operator.refusal('create', '-f', '-', input=json.dumps(website('many', 'v1alpha1', domain='many.example.com', size=6)))
    assert 'a site keeps its domain plain.example.com' in operator.refusal('patch', 'website', 'plain', '--type=merge', '-p', '{"spec":{"domain":"other.example.com"}}')
    assert 'should match' in operator.refusal('create', '-f', '-', input=json.dumps(website('odd', domain='NOT A DOMAIN')))
    done, said = operator.tried('apply', '-f', '-', input=json.dumps(website('none', domain='none.example.com', replicas=0)))
    assert done and 'Warning: a site without replicas answers nobody' in said
    assert 'has at most 5' in operator.refusal('apply', '--dry-run=server', '-f', '-', input=json.dumps(website('none', domain='none.example.com', replicas=9)))

    operator.kubectl('annotate', 'website', 'none', 'sites.example.com/protected=true')
    said = operator.refusal('delete', 'website', 'none')
    assert 'admission webhook "rules.sites.example.com" denied the request' in said and 'it is protected' in said
    operator.kubectl('annotate', 'website', 'none', 'sites.example.com/protected-')
    operator.kubectl('delete', 'website', 'none', 'older', 'plain')


def test_the_leaders_place_is_taken(operator):
    first = await_true('a leader', operator.leader)
    operator.cluster.kubectl('delete', 'pod', '-n', SYSTEM, first, '--wait=false')
    second = await_true('another leader', lambda: operator.leader() not in ('', first) and operator.leader(), timeout_s=40)
    operator.apply(website('later', domain='later.example.com', page={'title': 'Later'}))
    operator.ready('later')
    assert second in operator.value(V1, 'later', '.status.conditions[0].message')
    moves = operator.cluster.kubectl('get', 'lease', '-n', SYSTEM, 'websites.sites.example.com', '-o', 'jsonpath={.spec.leaseTransitions}')
    assert int(moves) >= 1
    operator.rolled_out()


def test_metrics_are_for_who_may_read_them(operator):
    def scraped(*headers):
        asked = operator.cluster.server.command('curl', '-sk', '-w', '\n%{http_code}', *headers, f'https://{operator.pod_ip()}:8443/metrics')
        page, _, code = run(*asked).rpartition('\n')
        return int(code), page

    def bearer(account):
        return '-H', f'Authorization: Bearer {operator.cluster.kubectl("create", "token", "-n", SYSTEM, account).strip()}'
    assert scraped()[0] == 401
    assert scraped(*bearer('website-operator'))[0] == 403
    code, page = scraped(*bearer('scraper'))
    assert code == 200 and 'controller_runtime_webhook_requests_total' in page


def test_the_finalizer_says_farewell_and_what_is_owned_goes(operator):
    operator.apply(website('brief', domain='brief.example.com'))
    operator.ready('brief')
    operator.kubectl('delete', 'website', 'brief')
    assert operator.value('configmap', 'farewell-brief', '.data.domain') == 'brief.example.com'
    shown = 'deployments,replicasets,pods'
    await_true('what was owned is gone', lambda: operator.kubectl('get', shown, '-l', 'sites.example.com/website=brief', '-o', 'name') == '')
    await_true('the page is gone', lambda: operator.kubectl('get', 'configmap', 'brief-page', '--ignore-not-found', '-o', 'name') == '')

    operator.apply(website('orphan', domain='orphan.example.com'))
    operator.ready('orphan')
    operator.kubectl('delete', 'website', 'orphan', '--cascade=orphan')
    kept = operator.json('get', 'deployment', 'orphan')
    assert 'ownerReferences' not in kept['metadata'] and kept['status']['readyReplicas'] == 1
    operator.apply(website('orphan', domain='orphan.example.com'))      # and is taken over
    await_true('taken over', lambda: operator.json('get', 'deployment', 'orphan')['metadata'].get('ownerReferences'))
    operator.ready('orphan')
    operator.kubectl('delete', 'website', 'orphan', '--cascade=foreground')
    assert operator.kubectl('get', 'deployment', 'orphan', '--ignore-not-found', '-o', 'name') == ''


def test_a_namespace_goes_with_what_is_in_it(operator):
    """The finalizer runs while nothing more can be made there."""
    operator.kubectl('delete', 'namespace', SITES, '--timeout=60s')
    assert operator.cluster.kubectl('get', 'namespace', SITES, '--ignore-not-found', '-o', 'name') == ''
