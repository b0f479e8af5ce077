"""Gatekeeper from its own manifest: templates and constraints refuse through its webhook and through policies that it writes, audit, mutate."""
import json
import subprocess

import pytest
from conftest import program
from support.go_module import module_folder
from support.nodes import await_true
from support.program_image import push_program

IMAGE = 'openpolicyagent/gatekeeper:v3.23.1'
PODS = 4        # three that answer webhooks, one that audits
TENANT = 'gated'
PAUSE = 'registry.k8s.io/pause:3.10.2'

PRIVILEGED = {
    'apiVersion': 'templates.gatekeeper.sh/v1', 'kind': 'ConstraintTemplate', 'metadata': {'name': 'k8sprivileged'},
    'spec': {'crd': {'spec': {'names': {'kind': 'K8sPrivileged'}, 'validation': {'openAPIV3Schema': {'type': 'object', 'properties': {'except': {'type': 'array', 'items': {'type': 'string'}}}}}}},
             'targets': [{'target': 'admission.k8s.gatekeeper.sh', 'code': [{'engine': 'K8sNativeValidation', 'source': {
                 'variables': [{'name': 'bad', 'expression': 'object.spec.containers.filter(c, has(c.securityContext) && has(c.securityContext.privileged) && c.securityContext.privileged'
                                                             ' && !(has(variables.params.except) && c.name in variables.params.except))'}],
                 'validations': [{'expression': 'size(variables.bad) == 0', 'messageExpression': '"privileged container " + variables.bad[0].name + " is not allowed"'}]}}]}]}}


def pod(name, privileged=False, container='one', labels=None):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'namespace': TENANT, 'labels': labels or {}},
            'spec': {'containers': [{'name': container, 'image': PAUSE, 'securityContext': {'privileged': privileged}}]}}


def namespace(name, **labels):
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name, 'labels': labels}}


def constraint(kind, name, parameters, match, **spec):
    return {'apiVersion': 'constraints.gatekeeper.sh/v1beta1', 'kind': kind, 'metadata': {'name': name}, 'spec': {'match': match, 'parameters': parameters, **spec}}


class Gatekeeper:
    def __init__(self, cluster):
        self.cluster, self.kubectl = cluster, cluster.kubectl
        self.module = module_folder('gatekeeper', 'github.com/open-policy-agent/gatekeeper/v3')

    def refusal(self, obj, *flags):
        done = subprocess.run([*self.kubectl.base, 'create', *flags, '-f', '-'], input=json.dumps(obj), capture_output=True, text=True, timeout=60)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def demo(self, path):
        return self.kubectl('apply', '-f', str(self.module / 'demo/basic' / path))

    def template(self, name):
        """Awaits that every pod has taken the template up, and its definition."""
        def taken():
            status = self.kubectl.json('get', 'constrainttemplate', name)['status']
            return status.get('created') and len(status.get('byPod', [])) == PODS and not any(p.get('errors') for p in status['byPod'])
        await_true(f'the template {name}', taken)
        self.kubectl('wait', f'crd/{name}.constraints.gatekeeper.sh', '--for=condition=Established', '--timeout=30s')

    def enforced(self, kind, name):
        def everywhere():
            by_pod = self.kubectl.json('get', kind, name).get('status', {}).get('byPod') or []
            return len(by_pod) == PODS and all(p.get('enforced') for p in by_pod)
        await_true(f'{kind} {name} enforced', everywhere)

    def violations(self, kind, name):
        return self.kubectl.json('get', kind, name).get('status', {}).get('violations', [])

    def install(self):
        manifest = (self.module / 'deploy/gatekeeper.yaml').read_text()
        assert manifest.count('- --operation=audit\n') == 1
        self.kubectl.apply(manifest.replace('- --operation=audit\n', '- --operation=audit\n        - --audit-interval=3\n        - --default-wait-for-vapb-generation=1\n'))
        for name in ('gatekeeper-controller-manager', 'gatekeeper-audit'):
            self.kubectl('rollout', 'status', '-n', 'gatekeeper-system', f'deployment/{name}', '--timeout=180s', timeout_s=190)
        bundle = "{.webhooks[*].clientConfig.caBundle}"
        await_true('the webhooks\' authority', lambda: self.kubectl('get', 'validatingwebhookconfiguration', 'gatekeeper-validating-webhook-configuration', '-o', f'jsonpath={bundle}'))

    def remove(self):
        for kind in ('constraints', 'assign', 'assignmetadata', 'configs.config.gatekeeper.sh', 'constrainttemplates'):
            subprocess.run([*self.kubectl.base, 'delete', kind, '--all', '-A' if kind.startswith('configs') else '--wait'], capture_output=True, timeout=60)
        self.kubectl('delete', 'validatingwebhookconfiguration,mutatingwebhookconfiguration', '-l', 'gatekeeper.sh/system=yes', '--ignore-not-found')
        self.kubectl('delete', 'namespace', TENANT, '--ignore-not-found')
        self.kubectl('delete', '--ignore-not-found', '-f', str(self.module / 'deploy/gatekeeper.yaml'))


@pytest.fixture(scope='module')
def gatekeeper(cluster):
    push_program(cluster.registry, f'docker.io/{IMAGE}', program('gatekeeper'))
    made = Gatekeeper(cluster)
    try:
        made.install()
        cluster.kubectl.apply(namespace(TENANT, gatekeeper='yes'))
        yield made
    finally:
        made.remove()


def test_labels_that_a_constraint_requires(gatekeeper):
    gatekeeper.demo('templates/k8srequiredlabels_template.yaml')
    gatekeeper.template('k8srequiredlabels')
    assert 'openAPIV3Schema' in gatekeeper.kubectl('get', 'crd', 'k8srequiredlabels.constraints.gatekeeper.sh', '-o', 'json')
    gatekeeper.demo('constraints/all_ns_must_have_gatekeeper.yaml')
    gatekeeper.enforced('k8srequiredlabels', 'ns-must-have-gk')
    for flags in ((), ('--dry-run=server',)):
        said = gatekeeper.refusal(namespace('bad-ns'), *flags)
        assert 'admission webhook "validation.gatekeeper.sh" denied the request: [ns-must-have-gk] you must provide labels: {"gatekeeper"}' in said
    gatekeeper.demo('good/good_ns.yaml')
    gatekeeper.kubectl('delete', '-f', str(gatekeeper.module / 'demo/basic/good/good_ns.yaml'))
    assert 'Invalid value' in gatekeeper.refusal(constraint('K8sRequiredLabels', 'odd', {'labels': 'one'}, {}))
    assert 'operator' in gatekeeper.refusal(constraint('K8sRequiredLabels', 'odd', {}, {'labelSelector': {'matchExpressions': [{'key': 'a', 'operator': 'Near', 'values': ['b']}]}}))
    template = (gatekeeper.module / 'demo/basic/bad/bad_template.yaml').read_text()
    done = subprocess.run([*gatekeeper.kubectl.base, 'apply', '-f', '-'], input=template, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and 'admission webhook "validation.gatekeeper.sh" denied the request' in done.stderr


def test_audit_reports_what_was_there_before_and_what_is_only_tried(gatekeeper):
    gatekeeper.demo('constraints/all_ns_must_have_gatekeeper_dryrun.yaml')

    def reported():
        return {v['name'] for v in gatekeeper.violations('k8srequiredlabels', 'ns-must-have-gk-dryrun')}
    found = await_true('violations', lambda: 'default' in reported() and reported())
    assert {'default', 'kube-system'} <= found and TENANT not in found
    kept = gatekeeper.violations('k8srequiredlabels', 'ns-must-have-gk')[0]
    assert (kept['kind'], kept['enforcementAction'], kept['message']) == ('Namespace', 'deny', 'you must provide labels: {"gatekeeper"}')
    gatekeeper.kubectl('delete', 'k8srequiredlabels', 'ns-must-have-gk', 'ns-must-have-gk-dryrun')
    gatekeeper.kubectl.apply(constraint('K8sRequiredLabels', 'owned-pods', {'labels': ['owner']}, {'kinds': [{'apiGroups': [''], 'kinds': ['Pod']}], 'namespaces': [TENANT]}, enforcementAction='dryrun'))
    gatekeeper.enforced('k8srequiredlabels', 'owned-pods')
    gatekeeper.kubectl.apply(pod('stray'))
    await_true('the stray pod', lambda: [v['name'] for v in gatekeeper.violations('k8srequiredlabels', 'owned-pods')] == ['stray'])
    assert gatekeeper.kubectl('get', 'k8srequiredlabels', 'owned-pods').split()[-1] == '1'
    gatekeeper.kubectl('label', 'pod', '-n', TENANT, 'stray', 'owner=me')
    await_true('nothing to say', lambda: gatekeeper.kubectl.json('get', 'k8srequiredlabels', 'owned-pods')['status'].get('totalViolations') == 0)


def test_a_template_in_cel_becomes_a_policy(gatekeeper):
    gatekeeper.kubectl.apply(PRIVILEGED)
    gatekeeper.template('k8sprivileged')
    gatekeeper.kubectl.apply(constraint('K8sPrivileged', 'none', {'except': ['trusted']}, {'kinds': [{'apiGroups': [''], 'kinds': ['Pod']}], 'namespaces': [TENANT]}))
    gatekeeper.enforced('k8sprivileged', 'none')
    policy = await_true('its policy', lambda: gatekeeper.kubectl.json('get', 'validatingadmissionpolicy', 'gatekeeper-k8sprivileged'))
    assert policy['spec']['paramKind'] == {'apiVersion': 'constraints.gatekeeper.sh/v1beta1', 'kind': 'K8sPrivileged'}
    await_true('its binding', lambda: gatekeeper.kubectl('get', 'validatingadmissionpolicybinding', 'gatekeeper-k8sprivileged-none', '-o', 'name'))
    said = 'privileged container one is not allowed'
    refused = await_true('the policy answers', lambda: 'ValidatingAdmissionPolicy' in (answer := gatekeeper.refusal(pod('high', privileged=True))) and answer)
    assert said in refused and "binding 'gatekeeper-k8sprivileged-none'" in refused
    gatekeeper.kubectl('create', '--dry-run=server', '-f', '-', input=json.dumps(pod('trusted', privileged=True, container='trusted')))
    gatekeeper.kubectl('create', '--dry-run=server', '-f', '-', input=json.dumps(pod('low')))
    gatekeeper.kubectl('delete', 'k8sprivileged', 'none')
    await_true('its binding goes', lambda: gatekeeper.kubectl('get', 'validatingadmissionpolicybinding', 'gatekeeper-k8sprivileged-none', '--ignore-not-found', '-o', 'name') == '')
    await_true('and is forgotten', lambda: gatekeeper.kubectl('create', '--dry-run=server', '-f', '-', input=json.dumps(pod('high', privileged=True))))


def test_what_others_have_is_known(gatekeeper):
    """A rule over the objects that Gatekeeper keeps a copy of."""
    gatekeeper.demo('sync.yaml')
    gatekeeper.demo('templates/k8suniquelabel_template.yaml')
    gatekeeper.template('k8suniquelabel')
    gatekeeper.demo('constraints/all_ns_gatekeeper_label_unique.yaml')
    gatekeeper.enforced('k8suniquelabel', 'ns-gk-label-unique')
    gatekeeper.demo('good/no_dupe_ns.yaml')
    try:
        second = str(gatekeeper.module / 'demo/basic/bad/no_dupe_ns_2.yaml')

        def refused():
            done = subprocess.run([*gatekeeper.kubectl.base, 'create', '--dry-run=server', '-f', second], capture_output=True, text=True, timeout=60)
            return 'label gatekeeper has duplicate value not_duplicated' in done.stderr
        await_true('the label is taken', refused)
    finally:
        gatekeeper.kubectl('delete', '-f', str(gatekeeper.module / 'demo/basic/good/no_dupe_ns.yaml'))
    gatekeeper.kubectl('delete', 'k8suniquelabel', 'ns-gk-label-unique')


def test_what_comes_in_is_changed(gatekeeper):
    match = {'scope': 'Namespaced', 'namespaces': [TENANT], 'kinds': [{'apiGroups': ['*'], 'kinds': ['Pod']}]}
    gatekeeper.kubectl.apply({'apiVersion': 'mutations.gatekeeper.sh/v1', 'kind': 'AssignMetadata', 'metadata': {'name': 'owner'},
                              'spec': {'match': match, 'location': 'metadata.labels.owner', 'parameters': {'assign': {'value': 'gatekeeper'}}}})
    gatekeeper.kubectl.apply({'apiVersion': 'mutations.gatekeeper.sh/v1', 'kind': 'Assign', 'metadata': {'name': 'pull'},
                              'spec': {'applyTo': [{'groups': [''], 'kinds': ['Pod'], 'versions': ['v1']}], 'match': match, 'location': 'spec.containers[name:*].imagePullPolicy',
                                       'parameters': {'assign': {'value': 'Always'}}}})

    def made():
        shown = json.loads(gatekeeper.kubectl('create', '--dry-run=server', '-o', 'json', '-f', '-', input=json.dumps(pod('changed'))))
        return shown['metadata']['labels'].get('owner'), shown['spec']['containers'][0]['imagePullPolicy']
    await_true('both are assigned', lambda: made() == ('gatekeeper', 'Always'))
