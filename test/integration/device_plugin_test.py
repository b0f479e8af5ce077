"""Device plugins register with the kubelet, by the published Go interfaces: the Node's resources, what pods get, health, restarts of either
side, refusals; and upstream's kubelet in the place of ours and beside it."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from kubelet_swap_test import start_upstream
from pod_config_test import FOREVER, ready
from support.device_plugin import device_plugin, pod_resources
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true
from support.peers import lacking

pytestmark = [pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}'),
              pytest.mark.skipif(not shutil.which('go'), reason='the go command is not installed')]
RESOURCE = 'pintle.test/device'


@pytest.fixture(scope='module')
def manifests(tmp_path_factory):
    return tmp_path_factory.mktemp('manifests')


@pytest.fixture(scope='module')
def node(manifests):
    with own_network(), KubeletNode('n1', config={'cgroupDriver': 'cgroupfs', 'staticPodPath': str(manifests)}) as made:
        await_true('the node', made.node)
        yield made


def counts(node, resource=RESOURCE):
    """What of it pods may use, and what there is."""
    status = node.node()['status']
    return status['allocatable'].get(resource), status['capacity'].get(resource)


def await_counts(node, allocatable, capacity, resource=RESOURCE, timeout_s=30):
    await_true(f'{allocatable} of {capacity} {resource}', lambda: counts(node, resource) == (allocatable, capacity), timeout_s=timeout_s)


def wants(count, script=f'echo $DEVICES; {FOREVER}', resource=RESOURCE, **container):
    return {'command': ['sh', '-c', script], 'resources': {'limits': {resource: str(count)}}, **container}


def delete(node, *names):
    node.server.kubectl('delete', 'pods', *names, '--wait=false', '--grace-period=1')
    for name in names:
        node.wait(name, lambda pod: pod is None)


def failed(pod):
    return pod and pod['status']['phase'] == 'Failed'


def refusal(node, name):
    """How a pod failed, and its event."""
    status = node.wait(name, failed)['status']
    event = next((e for e in node.events(name) if e[1] == status['reason']), None)
    return status['reason'], status['message'], event


def health(pod, container='main'):
    status = next(c for c in pod['status']['containerStatuses'] if c['name'] == container)
    return {d['resourceID']: d['health'] for of in status.get('allocatedResourcesStatus', []) for d in of['resources']}


def test_a_pod_gets_devices(node, tmp_path):
    (tmp_path / 'library').write_text('of the plugin')
    with device_plugin(node, 'a b c!', '-pre-start', '-prefer=b', f'-mount={tmp_path}') as plugin:
        await_counts(node, '2', '3')
        script = 'echo "$DEVICES $(cat /plugin/library) $(head -c 3 /dev/of-plugin | wc -c) $0 $@"; ' + FOREVER
        pod = node.run_pod('gets', {'command': ['sh', '-c', script, '$(DEVICES)'], 'resources': {'limits': {RESOURCE: '1'}}}, wait=ready)
        await_true('what it sees', lambda: node.logs(pod) == 'b of the plugin 3 b \n')
        assert (plugin.said('GetPreferredAllocation 1 [a b] []'), plugin.said('Allocate [b]'), plugin.said('PreStartContainer [b]')) == (1, 1, 1)
        assert health(pod) == {'b': 'Healthy'}
        # One that turns unhealthy is told, and is not given away again.
        plugin.tell('a b! c!')
        await_counts(node, '1', '3')
        node.wait('gets', lambda p: health(p) == {'b': 'Unhealthy'})
        plugin.tell('a b c!')
        node.wait('gets', lambda p: health(p) == {'b': 'Healthy'})
        # More than there are left.
        node.run_pod('toomany', wants(2))
        why = f'Allocate failed due to requested number of devices unavailable for {RESOURCE}. Requested: 2, Available: 1, which is unexpected'
        assert refusal(node, 'toomany') == ('UnexpectedAdmissionError', f'Pod was rejected: {why}', ('Warning', 'UnexpectedAdmissionError', why))
        # A container that starts again has them still, and the plugin hears of it.
        node.ctr('tasks', 'kill', '-s', 'SIGKILL', pod['status']['containerStatuses'][0]['containerID'].split('//')[1])
        node.wait('gets', lambda p: p['status']['containerStatuses'][0]['restartCount'] == 1 and ready(p))
        assert (plugin.said('Allocate [b]'), plugin.said('PreStartContainer [b]')) == (1, 2)
        delete(node, 'gets', 'toomany')
        pod = node.run_pod('next', wants(2), wait=ready)
        assert node.logs(pod) == 'a,b\n'
        delete(node, 'next')


def test_init_containers_hand_theirs_on(node):
    with device_plugin(node, 'a b c') as plugin:
        await_counts(node, '3', '3')
        init = [{'name': 'init', 'image': 'busybox:1.36', **wants(2, 'echo $DEVICES')},
                {'name': 'side', 'image': 'busybox:1.36', 'restartPolicy': 'Always', **wants(1)}]
        pod = node.run_pod('inits', wants(2), initContainers=init, wait=ready)
        assert [node.logs(pod, c) for c in ('init', 'side', 'main')] == ['a,b\n', 'a\n', 'b,c\n'], plugin.log.read_text()
        delete(node, 'inits')


def test_either_side_starts_anew(node):
    with device_plugin(node, 'a b') as plugin:
        await_counts(node, '2', '2')
        pod = node.run_pod('stays', wants(1), wait=ready)
        assert node.logs(pod) == 'a\n'
        plugin.stop()
        await_counts(node, '0', '2')
        assert node.stop_kubelet() == 0
        record = json.loads((plugin.folder / 'kubelet_internal_checkpoint').read_text())['Data']['PodDeviceEntries']
        assert [(e['PodUID'], e['ContainerName'], e['ResourceName'], e['DeviceIDs']) for e in record] == [(pod['metadata']['uid'], 'main', RESOURCE, {'0': ['a']})]
        node.start_kubelet()
        await_counts(node, '0', '0')
        assert node.pod('stays')['status']['containerStatuses'][0]['restartCount'] == 0
    with device_plugin(node, 'a b') as plugin:
        await_counts(node, '2', '2')
        other = node.run_pod('other', wants(1), wait=ready)
        assert node.logs(other) == 'b\n'
        # The plugin finds the kubelet's new socket by itself.
        assert node.stop_kubelet() == 0
        node.start_kubelet()
        await_true('it registers again', lambda: plugin.said('Register ok') == 2)
        await_counts(node, '2', '2')
        node.run_pod('third', wants(1))
        assert refusal(node, 'third')[0] == 'UnexpectedAdmissionError'
        assert not plugin.said('Allocate [a]')
        # While the kubelet is down a pod goes; then its device is free.
        assert node.stop_kubelet() == 0
        node.server.kubectl('delete', 'pod', 'other', '--grace-period=0', '--force')
        node.start_kubelet()
        await_true('it registers again', lambda: plugin.said('Register ok') == 3)
        await_counts(node, '2', '2')
        await_true('the pod that was dropped has ended', lambda: len(node.running()) == 2)
        delete(node, 'third')
        pod = node.run_pod('fourth', wants(1), wait=ready)
        assert node.logs(pod) == 'b\n'
        delete(node, 'stays', 'fourth')


def test_static_pods_keep_theirs(node, manifests):
    with device_plugin(node, 'a b') as plugin:
        await_counts(node, '2', '2')
        pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'static'}, 'spec': {'terminationGracePeriodSeconds': 1, 'containers': [
            {'name': 'main', 'image': 'busybox:1.36', **wants(1)}]}}
        (manifests / 'static.yaml').write_text(json.dumps(pod))
        before = node.wait('static-n1', lambda p: p and ready(p))
        plugin.stop()
        assert node.stop_kubelet() == 0
        node.start_kubelet()
        node.run_pod('probe', {'command': ['sh', '-c', FOREVER]}, wait=ready)
        after = node.pod('static-n1')
        assert ready(after), (json.dumps(after["status"]), node.events("static-n1"))
        assert after['status']['containerStatuses'][0]['containerID'] == before['status']['containerStatuses'][0]['containerID']
        (manifests / 'static.yaml').unlink()
        node.wait('static-n1', lambda p: p is None)
        delete(node, 'probe')


def test_plugins_that_fail(node):
    with device_plugin(node, 'a b', '-fail=no such luck') as plugin:
        await_counts(node, '2', '2')
        node.run_pod('fails', wants(1))
        why = 'Allocate failed due to rpc error: code = Unknown desc = no such luck, which is unexpected'
        assert refusal(node, 'fails') == ('UnexpectedAdmissionError', f'Pod was rejected: {why}', ('Warning', 'UnexpectedAdmissionError', why))
        with device_plugin(node, 'x', '-hang', resource='pintle.test/hangs') as hangs:
            await_counts(node, '1', '1', 'pintle.test/hangs')
            node.run_pod('waits', wants(1, resource='pintle.test/hangs'))
            await_true('it is asked', lambda: hangs.said('Allocate [x]'))
            node.run_pod('passes', {'command': ['sh', '-c', FOREVER]}, wait=ready)      # nobody else waits
            assert node.pod('waits')['status']['phase'] == 'Pending'
            delete(node, 'waits', 'passes', 'fails')        # nor does who is deleted
        with device_plugin(node, 'x', '-version=v1alpha1', resource='pintle.test/old') as old, device_plugin(node, 'x', resource='kubernetes.io/native') as native:
            await_true('it is refused', lambda: old.said('Register rpc error: code = Unknown desc = requested API version "v1alpha1" is not supported by kubelet. Supported version is ["v1beta1"]'))
            await_true('it is refused', lambda: native.said('Register rpc error: code = Unknown desc = the ResourceName "kubernetes.io/native" is invalid'))
        metrics = node.server.kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/metrics', check=False).stdout
        assert not metrics or f'kubelet_device_plugin_registration_total{{resource_name="{RESOURCE}"}}' in metrics
        assert plugin.said('Register ok') == 1


@contextlib.contextmanager
def seen_by_upstream(node):
    """Upstream's kubelet has its sockets of plugins there, wherever its root is."""
    fixed = pathlib.Path('/var/lib/kubelet/device-plugins')
    fixed.mkdir(parents=True, exist_ok=True)
    subprocess.run(['mount', '--bind', str(node.folder / 'kubelet/device-plugins'), str(fixed)], check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', str(fixed)], check=True)


@pytest.mark.skipif(lacking('kubelet') is not None, reason=str(lacking('kubelet')))
def test_kubelets_change_places(node):
    """Devices that either kubelet gave stay with their containers, and neither gives them away again; refusals read the same."""
    with device_plugin(node, 'a b c') as plugin, seen_by_upstream(node):
        await_counts(node, '3', '3')
        node.run_pod('ours', wants(1), wait=ready)
        node.run_pod('ours-refused', wants(3))
        ours = refusal(node, 'ours-refused')
        assert node.stop_kubelet() == 0
        start_upstream(node)
        await_true('it registers with upstream', lambda: plugin.said('Register ok') == 2)
        await_counts(node, '3', '3')
        theirs = node.run_pod('theirs', wants(1), wait=ready)
        assert node.logs(theirs) in ('b\n', 'c\n')
        node.run_pod('theirs-refused', wants(2))
        refused = refusal(node, 'theirs-refused')
        assert [str(part).replace('Requested: 2, Available: 1', 'Requested: 3, Available: 2') for part in refused] == [str(part) for part in ours]
        # The pod resources API says the same of them.
        said = pod_resources(node, 'ours')
        assert said['get'] == {'name': 'ours', 'namespace': 'default', 'containers': [{'name': 'main', 'devices': [
            {'resource_name': RESOURCE, 'device_ids': ['a'], 'topology': {'nodes': [{}]}}]}]}
        assert [pod['name'] for pod in said['list']] == ['ours', 'theirs'] and len(said['allocatable']['devices']) == 3
        assert health(node.pod('theirs')) == {node.logs(theirs).strip(): 'Healthy'} and health(node.pod('ours')) == {'a': 'Healthy'}
        node.stop_kubelet()
        node.start_kubelet()
        await_true('it registers again', lambda: plugin.said('Register ok') == 3)
        await_counts(node, '3', '3')
        ours = pod_resources(node, 'ours')
        assert {k: v for k, v in ours.items() if k != 'older'} == {k: v for k, v in said.items() if k != 'older'}
        assert ours['older'] == [pod for pod in said['older'] if not pod['name'].endswith('-refused')]     # the older form tells of ended pods too
        last = node.run_pod('last', wants(1), wait=ready)
        assert {node.logs(theirs), node.logs(last)} == {'b\n', 'c\n'}
        for name in ('ours', 'theirs'):
            assert node.pod(name)['status']['containerStatuses'][0]['restartCount'] == 0 and ready(node.pod(name))
        delete(node, 'ours', 'theirs', 'last', 'ours-refused', 'theirs-refused')
