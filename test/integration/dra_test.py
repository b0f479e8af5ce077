"""Dynamic resource allocation on the node: a driver on upstream's own helper library registers, prepares claims, gives devices to containers by CDI, tells
their health, hangs, dies and comes back; the kubelet is killed at the wrong moment; upstream's kubelet in the place of ours. Claims are allocated by the test."""
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
import yaml
from kubelet_swap_test import start_upstream
from pod_config_test import FOREVER, ready
from support.cluster import ROOT
from support.device_plugin import program as pod_resources_program
from support.dra import DRIVER, Driver, claim, driver_on, reserve
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import NodeCluster, await_true, condition
from support.peers import lacking
from support.registry import Registry, build_images

pytestmark = [pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}'),
              pytest.mark.skipif(not shutil.which('go'), reason='the go command is not installed')]
CONTAINERD_2 = ROOT / 'build/ecosystem/containerd-2'
HAS_CDI = (CONTAINERD_2 / 'containerd').exists()        # Debian 12's containerd 1.6 does not know the CRI's CDI devices


@pytest.fixture(scope='module')
def node():
    cdi = '  enable_cdi = true\n  cdi_spec_dirs = ["{folder}/cdi"]\n' if HAS_CDI else ''
    with own_network(), KubeletNode('n1', config={'cgroupDriver': 'cgroupfs'}, cri_settings=cdi, programs=CONTAINERD_2 if HAS_CDI else None) as made:
        await_true('the node', made.node)
        yield made


@pytest.fixture(autouse=True)
def nothing_left(request):
    """What a test that fails leaves is not in the way of the others."""
    yield
    if 'node' not in request.fixturenames:
        return
    server = request.getfixturevalue('node').server
    for kind in ('pods', 'resourceclaims'):
        server.kubectl('delete', kind, '--all', '--wait=false', '--grace-period=0', '--force', check=False)


def container(*uses, script='echo "$R $S $T"; '):
    claims = [dict(zip(('name', 'request'), use.split('/'), strict=False)) for use in uses]
    return {'command': ['sh', '-c', script + FOREVER], 'resources': {'claims': claims}}


def run_pod(node, name, *containers, claims=('c',), wait=ready, **spec):
    """A pod with these claims, which are its to use."""
    node.run_pod(name, *(containers or [container(claims[0])]), resourceClaims=[{'name': c, 'resourceClaimName': c} for c in claims], **spec)
    for one in claims:
        reserve(node, one, name)
    return node.wait(name, wait, timeout_s=60) if wait else None


def delete(node, *names, claims=(), wait=True):
    node.server.kubectl('delete', 'pods', *names, '--wait=false', '--grace-period=1')
    if wait:
        for name in names:
            node.wait(name, lambda pod: pod is None)
    for one in claims:
        node.server.kubectl('delete', 'resourceclaim', one)


def record(node):
    """What of claims is on disk: pods, drivers and devices of each."""
    data = json.loads(json.loads((node.folder / 'kubelet/dra_manager_state').read_text())['Data'])
    return {one['ClaimName']: (sorted(one['PodUIDs']), {d: [x['DeviceName'] for x in s['Devices'] or []] for d, s in one['DriverState'].items()})
            for one in data['ClaimInfoStateList'] or []}


def health(pod, container='main'):
    status = next(c for c in pod['status']['containerStatuses'] if c['name'] == container)
    return {of['name']: {d['resourceID'].split('-')[-1]: (d['health'], d.get('message')) for d in of['resources']} for of in status.get('allocatedResourcesStatus', [])}


def warning(node, name, text=''):
    """What the pod's event says."""
    def told():
        return next((e[2] for e in node.events(name) if e[:2] == ('Warning', 'FailedPrepareDynamicResources') and text in e[2]), None)
    return await_true(f'an event about {text}', told, timeout_s=90)


def uid(node, name):
    return node.pod(name)['metadata']['uid']


def test_containers_get_what_they_asked_for(node):
    claim(node, 'c', (('r', 'd0'), ('s', 'd1')))
    with driver_on(node) as driver:
        pod = run_pod(node, 'gets', container('c'), container('c/s'), container(), claims=['c'])
        assert driver.calls() == ['Prepare c']
        if HAS_CDI:
            await_true('what they see', lambda: [node.logs(pod, c) for c in ('main', 'c1', 'c2')] == ['d0 d1 \n', ' d1 \n', '  \n'])
        assert record(node) == {'c': ([pod['metadata']['uid']], {DRIVER: ['d0', 'd1']})}
        node.wait('gets', lambda p: health(p) == {'claim:c': {'d0': ('Healthy', None), 'd1': ('Healthy', None)}})
        driver.go_wrong('sick=d1')
        node.wait('gets', lambda p: health(p, 'c1') == {'claim:c/s': {'d1': ('Unhealthy', 'it is too hot')}})
        assert health(node.pod('gets'))['claim:c']['d0'] == ('Healthy', None) and health(node.pod('gets'), 'c2') == {}
        driver.go_wrong()
        node.wait('gets', lambda p: health(p, 'c1') == {'claim:c/s': {'d1': ('Healthy', None)}})
        # The pod resources API tells of them.
        done = subprocess.run([pod_resources_program(), f'-pod-resources={node.folder}/kubelet/pod-resources/kubelet.sock', '-pod=gets'], capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)['get']['containers']
        assert [(d['claim_name'], sorted(r['device_name'] for r in d['claim_resources'])) for d in told[0]['dynamic_resources']] == [('c', ['d0', 'd1'])]
        assert 'dynamic_resources' not in told[2]
        # A container that starts again has them still.
        node.ctr('tasks', 'kill', '-s', 'SIGKILL', pod['status']['containerStatuses'][0]['containerID'].split('//')[1])
        await_true('it starts again', lambda: max(c['restartCount'] for c in node.pod('gets')['status']['containerStatuses']) == 1 and ready(node.pod('gets')))
        delete(node, 'gets', claims=['c'])
        assert driver.calls() == ['Prepare c', 'Unprepare c'] and record(node) == {}
        metrics = node.server.kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/metrics', check=False).stdout
        for line in ('dra_operations_duration_seconds_count{operation_name="PrepareResources",is_error="false"} 1', 'dra_resource_claims_in_use{driver_name="<any>"} 0',
                     f'dra_grpc_operations_duration_seconds_count{{driver_name="{DRIVER}",method_name="/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources",grpc_status_code="OK"}} 1'):
            assert not metrics or line in metrics, metrics


def test_a_claim_of_two_pods(node):
    claim(node, 'c')
    with driver_on(node, '-v1beta1') as driver:
        run_pod(node, 'one')
        run_pod(node, 'two')
        assert driver.calls() == ['Prepare c']
        assert record(node)['c'][0] == sorted([uid(node, 'one'), uid(node, 'two')])
        delete(node, 'one')
        assert driver.calls() == ['Prepare c'] and record(node)['c'][0] == [uid(node, 'two')]
        delete(node, 'two', claims=['c'])
        assert driver.calls() == ['Prepare c', 'Unprepare c']


def test_a_driver_that_is_late(node):
    claim(node, 'c')
    run_pod(node, 'early', wait=None)
    assert warning(node, 'early', 'registered') == f'Failed to prepare dynamic resources: prepare dynamic resources: DRA driver {DRIVER} is not registered'
    with driver_on(node) as driver:
        node.wait('early', ready)
        assert driver.calls() == ['Prepare c']
        delete(node, 'early', claims=['c'])


def refusals(node, driver):
    """What events say of claims that cannot be prepared."""
    out = {}

    def tell(name, text):
        of = uid(node, name)
        out[name] = warning(node, name, text).replace(of, 'POD')
        delete(node, name)
    node.run_pod('missing', container('c'), resourceClaims=[{'name': 'c', 'resourceClaimName': 'nowhere'}])
    tell('missing', 'nowhere')
    made = claim(node, 'c')
    node.run_pod('foreign', container('c'), resourceClaims=[{'name': 'c', 'resourceClaimName': 'c'}])
    tell('foreign', 'not allowed')
    out['foreign'] = out['foreign'].replace(made['metadata']['uid'], 'CLAIM')
    for fault in ('fail-prepare=no such luck', 'claim-prepare=not this one', 'skip-prepare'):
        driver.go_wrong(fault)
        name = fault.split('=')[0]
        run_pod(node, name, wait=None)
        tell(name, 'NodePrepareResources')
    driver.go_wrong()
    node.server.kubectl('delete', 'resourceclaim', 'c')
    return out


def test_claims_that_cannot_be_prepared(node):
    with driver_on(node) as driver:
        words = 'Failed to prepare dynamic resources: prepare dynamic resources: '
        assert refusals(node, driver) == {
            'missing': words + 'fetch ResourceClaim nowhere: resourceclaims.resource.k8s.io "nowhere" not found',
            'foreign': words + 'pod foreign (POD) is not allowed to use ResourceClaim c (CLAIM)',
            'fail-prepare': words + 'NodePrepareResources: rpc error: code = Unknown desc = prepare resource claims: no such luck',
            'claim-prepare': words + 'NodePrepareResources failed for ResourceClaim c: not this one',
            'skip-prepare': words + 'NodePrepareResources skipped 1 ResourceClaims'}
        assert record(node) == {}


def test_a_driver_that_hangs(node):
    claim(node, 'c')
    with driver_on(node) as driver:
        driver.go_wrong('hang-prepare')
        run_pod(node, 'waits', wait=None)
        await_true('it is asked', lambda: driver.said('Prepare c'))
        node.run_pod('passes', {'command': ['sh', '-c', FOREVER]}, wait=ready)      # nobody else waits
        driver.go_wrong()
        delete(node, 'waits', 'passes')                                               # nor does who is deleted
        assert driver.calls() == ['Prepare c', 'Unprepare c'] and record(node) == {}
        node.server.kubectl('delete', 'resourceclaim', 'c')


def test_a_driver_that_dies(node):
    claim(node, 'c')
    with driver_on(node) as driver:
        pod = run_pod(node, 'stays')
        driver.stop(signal.SIGKILL)     # its sockets are left
        node.wait('stays', lambda p: health(p) == {'claim:c': {'d0': ('Unknown', None)}})
        delete(node, 'stays', wait=False)
        await_true('nothing of it runs', lambda: not node.running() or len(node.running()) == 0)
        assert node.pod('stays')['metadata']['uid'] == pod['metadata']['uid'], 'it is not gone before its claims are'
        driver.start()
        node.wait('stays', lambda p: p is None)
        assert driver.calls() == ['Prepare c', 'Unprepare c']
        node.server.kubectl('delete', 'resourceclaim', 'c')


def slices(node):
    return [s['spec']['driver'] for s in json.loads(node.server.kubectl('get', 'resourceslices', '-o', 'json'))['items']]


def test_kubelet_killed(node):
    claim(node, 'c')
    claim(node, 'other', (('r', 'd1'),))
    with driver_on(node) as driver:
        run_pod(node, 'runs', claims=['other'])
        driver.go_wrong('hang-prepare')
        run_pod(node, 'half', wait=None)
        await_true('it is asked', lambda: driver.said('Prepare c'))
        node.stop_kubelet(signal.SIGKILL)
        assert record(node)['c'] == ([uid(node, 'half')], {DRIVER: []})
        driver.go_wrong()
        before = node.pod('runs')['status']['containerStatuses'][0]
        node.start_kubelet()
        node.wait('half', ready)
        after = node.pod('runs')['status']['containerStatuses'][0]
        assert (after['containerID'], after['restartCount']) == (before['containerID'], 0)
        # A container of a pod from before starts again with its devices, and nothing is prepared for it anew.
        node.ctr('tasks', 'kill', '-s', 'SIGKILL', before['containerID'].split('//')[1])
        again = node.wait('runs', lambda p: p['status']['containerStatuses'][0]['restartCount'] == 1 and ready(p))
        if HAS_CDI:
            await_true('what it sees', lambda: node.logs(again) == 'd1  \n')
        assert driver.calls() == ['Prepare other', 'Prepare c', 'Prepare c']
        # What goes while the kubelet is down is taken back afterwards.
        node.stop_kubelet(signal.SIGKILL)
        node.server.kubectl('delete', 'pod', 'half', '--grace-period=0', '--force')
        node.server.kubectl('delete', 'resourceclaim', 'c')
        node.start_kubelet()
        await_true('it is taken back', lambda: driver.said('Unprepare c') == 1)
        await_true('it is forgotten', lambda: list(record(node)) == ['other'])
        delete(node, 'runs', claims=['other'])
        assert driver.said('Unprepare other') == 1


def test_a_claim_made_anew(node):
    """Its pod and it are deleted by force; another of its name is not given what the first had."""
    claim(node, 'c')
    with driver_on(node) as driver:
        run_pod(node, 'first')
        driver.go_wrong('claim-unprepare=not yet')
        node.server.kubectl('delete', 'pod', 'first', '--grace-period=0', '--force')
        node.server.kubectl('delete', 'resourceclaim', 'c')
        claim(node, 'c')
        run_pod(node, 'second', wait=None)
        assert 'old ResourceClaim with same name c and different UID' in warning(node, 'second', 'old')
        driver.go_wrong()
        node.wait('second', ready)
        delete(node, 'second', claims=['c'])
        assert [call for call in driver.calls() if call.startswith('Prepare')] == ['Prepare c', 'Prepare c']


@pytest.mark.skipif(lacking('kubelet') is not None, reason=str(lacking('kubelet')))
def test_kubelets_change_places(node):
    """What either kubelet had prepared the other takes back; refusals read the same."""
    claim(node, 'c')
    claim(node, 'd', (('r', 'd1'),))
    with driver_on(node) as driver:
        ours = run_pod(node, 'ours')
        assert node.stop_kubelet() == 0
        start_upstream(node)
        await_true('it registers with upstream', lambda: driver.said('Registered true') >= 1)
        theirs = run_pod(node, 'theirs', claims=['d'])
        assert record(node) == {'c': ([ours['metadata']['uid']], {DRIVER: ['d0']}), 'd': ([theirs['metadata']['uid']], {DRIVER: ['d1']})}
        delete(node, 'ours', claims=['c'])
        assert driver.calls() == ['Prepare c', 'Prepare d', 'Unprepare c']
        words = refusals(node, driver)
        node.stop_kubelet()
        node.start_kubelet()
        node.run_pod('probe', {'command': ['sh', '-c', FOREVER]}, wait=ready)
        assert ready(node.pod('theirs')) and node.pod('theirs')['status']['containerStatuses'][0]['restartCount'] == 0
        await_true('it is registered again', lambda: slices(node))
        assert refusals(node, driver) == words
        delete(node, 'theirs', 'probe', claims=['d'])
        assert driver.said('Unprepare d') == 1 and record(node) == {}


# --- a whole cluster: scheduler, claim controller, node authorizer, a driver with an account of its own ---------------------------------------------

DRIVER_ROLE = [{'apiGroups': ['resource.k8s.io'], 'resources': ['resourceclaims'], 'verbs': ['get']},
               {'apiGroups': ['resource.k8s.io'], 'resources': ['resourceslices'], 'verbs': ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']},
               {'apiGroups': [''], 'resources': ['nodes'], 'verbs': ['get']}]


def driver_account(cluster):
    """A kubeconfig of a service account that may do what drivers' manifests say."""
    kubectl = cluster.kubectl
    kubectl('create', 'serviceaccount', 'driver')
    kubectl.apply({'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRole', 'metadata': {'name': 'driver'}, 'rules': DRIVER_ROLE})
    kubectl('create', 'clusterrolebinding', 'driver', '--clusterrole=driver', '--serviceaccount=default:driver')
    config = yaml.safe_load(pathlib.Path(cluster.server.kubeconfig).read_text())
    config['users'][0]['user'] = {'token': kubectl('create', 'token', 'driver').strip()}
    path = cluster.folder / 'driver.kubeconfig'
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def cluster(tmp_path):
    build_images('basic')
    registry = Registry(tmp_path, '10.88.0.1:5000')
    with pytest.MonkeyPatch.context() as patch:
        if HAS_CDI:
            patch.setenv('PATH', str(CONTAINERD_2), prepend=':')
        with NodeCluster(registry=registry.url, before_start=lambda: registry.start().push()) as made:
            yield made
        registry.stop()


def test_claims_from_templates(cluster):
    """From the scheduler's choice to a variable in a container; the devices go back to the next pod."""
    kubectl = cluster.kubectl
    kubectl.apply({'apiVersion': 'resource.k8s.io/v1', 'kind': 'DeviceClass', 'metadata': {'name': 'test'},
                   'spec': {'selectors': [{'cel': {'expression': f'device.driver == "{DRIVER}"'}}], 'extendedResourceName': 'pintle.test/extended'}})
    kubectl.apply({'apiVersion': 'resource.k8s.io/v1', 'kind': 'ResourceClaimTemplate', 'metadata': {'name': 'one'},
                   'spec': {'spec': {'devices': {'requests': [{'name': 'r', 'exactly': {'deviceClassName': 'test'}}]}}}})
    cdi = pathlib.Path('/var/run/cdi')
    driver = Driver(cluster.server.data / 'kubelet', driver_account(cluster), 'server', cluster.folder, cdi=cdi).start()

    def pod(name, resources, **spec):
        return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {'terminationGracePeriodSeconds': 1, 'containers': [
            {'name': 'main', 'image': 'busybox:1.36', 'command': ['sh', '-c', f'env; {FOREVER}'], 'resources': resources}], **spec}}
    try:
        await_true('its slice', lambda: kubectl.json('get', 'resourceslices')['items'])
        template = {'resourceClaims': [{'name': 'gpu', 'resourceClaimTemplateName': 'one'}]}
        for name in ('a', 'b', 'c'):
            kubectl.apply(pod(name, {'claims': [{'name': 'gpu'}]}, **template))
        await_true('two of three run', lambda: sum(condition(kubectl.json('get', 'pod', n), 'Ready') == 'True' for n in 'abc') == 2)
        first, second = [n for n in 'abc' if condition(kubectl.json('get', 'pod', n), 'Ready') == 'True']
        last = next(n for n in 'abc' if n not in (first, second))
        if HAS_CDI:
            seen = {line for n in (first, second) for line in kubectl('logs', n).splitlines() if line.startswith('R=')}
            assert seen == {'R=d0', 'R=d1'}
        status = kubectl.json('get', 'pod', first)['status']
        assert status['containerStatuses'][0]['allocatedResourcesStatus'][0]['resources'][0]['health'] == 'Healthy'
        kubectl('delete', 'pod', first)
        await_true('the third runs', lambda: condition(kubectl.json('get', 'pod', last), 'Ready') == 'True')
        kubectl('delete', 'pod', second, last)
        await_true('claims are gone', lambda: not kubectl.json('get', 'resourceclaims')['items'])
        assert len([c for c in driver.calls() if c.startswith('Unprepare')]) == 3
        # An extended resource that no device plugin brings.
        kubectl.apply(pod('extended', {'limits': {'pintle.test/extended': '1'}}))
        await_true('it runs', lambda: condition(kubectl.json('get', 'pod', 'extended'), 'Ready') == 'True')
        status = kubectl.json('get', 'pod', 'extended')['status']
        assert status['extendedResourceClaimStatus']['requestMappings'][0]['resourceName'] == 'pintle.test/extended'
        if HAS_CDI:
            assert any(line.endswith(('=d0', '=d1')) for line in kubectl('logs', 'extended').splitlines())
        kubectl('delete', 'pod', 'extended')
        assert len([c for c in driver.calls() if c.startswith('Unprepare')]) == 4
        # Who leaves for good takes its slices along.
        driver.stop()
        await_true('its slices are gone', lambda: not kubectl.json('get', 'resourceslices')['items'], timeout_s=60)
    finally:
        driver.stop()
        for left in cdi.glob(f'{DRIVER}-*'):
            left.unlink()
