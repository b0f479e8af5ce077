"""The storage in the box: `pintle server` makes volumes of the class local-path on its own node and on those of agents."""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.nodes import NodeCluster, await_true  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')

DRIVER = 'local.csi.pintle.dev'
FOREVER = 'trap "exit 0" TERM; while true; do sleep 0.1; done'


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    registry = Registry(tmp_path_factory.mktemp('registry'), '10.97.0.1:5000')
    try:
        with NodeCluster(agents=1, registry=registry.url, subnet='10.97.0.0/24', before_start=lambda: registry.start().push()) as c:
            c.kubectl('cordon', 'agent0')
            yield c
        assert loops(c.server) == [] and loops(c.agents[0]) == [], 'uninstall leaves no loop device behind'
    finally:
        registry.stop()


def loops(node):
    out = subprocess.run(['losetup', '-n', '-O', 'BACK-FILE'], capture_output=True, text=True, check=True).stdout.split('\n')
    return [line for line in out if f'{node.folder}/' in line]


def claim(name, size='32Mi', **spec):
    return {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name}, 'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': size}}, **spec}}


def pod(name, claim_name, script=FOREVER, device=False, **source):
    uses = {'volumeDevices': [{'name': 'v', 'devicePath': '/dev/v'}]} if device else {'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {'restartPolicy': 'Never', 'terminationGracePeriodSeconds': 1, 'volumes': [{'name': 'v', 'persistentVolumeClaim': {'claimName': claim_name, **source}}],
            'containers': [{'name': 'main', 'image': 'busybox:1.36', 'command': ['sh', '-c', script], **uses}]}}


def phase(cluster, name):
    return cluster.kubectl.json('get', 'pod', name)['status'].get('phase')


def run(cluster, name, claim_name, script, **more):
    """What a container with the volume prints."""
    cluster.kubectl.apply(pod(name, claim_name, script, **more))
    await_true(f'{name} has ended', lambda: phase(cluster, name) == 'Succeeded', timeout_s=40)
    text = cluster.kubectl('logs', name)
    cluster.kubectl('delete', 'pod', name)
    return text


def volume_of(cluster, claim_name):
    return cluster.kubectl.json('get', 'pv', cluster.kubectl.json('get', 'pvc', claim_name)['spec']['volumeName'])


def gone(cluster, *claims):
    cluster.kubectl('delete', 'pvc', *claims)
    await_true('the volumes go with their claims', lambda: not [v for v in cluster.kubectl.json('get', 'pv')['items'] if v['spec']['claimRef']['name'] in claims], timeout_s=30)


def images(node):
    return sorted(pathlib.Path(node.data, 'storage').glob('volumes/*'))


def test_a_claim_that_names_no_class(cluster):
    classes = cluster.kubectl.json('get', 'storageclasses')['items']
    assert [(c['metadata']['name'], c['provisioner'], c['volumeBindingMode'], c['allowVolumeExpansion']) for c in classes] == [('local-path', DRIVER, 'WaitForFirstConsumer', True)]
    await_true('the driver is registered', lambda: [d['name'] for d in cluster.kubectl.json('get', 'csinode', 'server')['spec']['drivers']] == [DRIVER])
    run_first = time.monotonic()
    cluster.kubectl.apply(claim('first'))
    cluster.kubectl.apply(pod('first', 'first', f'echo kept > /v/data; {FOREVER}'))
    await_true('it writes', lambda: phase(cluster, 'first') == 'Running', timeout_s=40, interval_s=0.02)
    took = time.monotonic() - run_first
    print(f'a claim and its pod took {took:.2f} s')
    volume = volume_of(cluster, 'first')
    assert volume['spec']['storageClassName'] == 'local-path' and volume['spec']['csi']['driver'] == DRIVER and volume['spec']['capacity'] == {'storage': '32Mi'}
    assert volume['metadata']['annotations']['pv.kubernetes.io/provisioned-by'] == DRIVER
    reasons = {e['reason'] for e in cluster.kubectl.json('get', 'events', '--field-selector=involvedObject.name=first,involvedObject.kind=PersistentVolumeClaim')['items']}
    assert {'Provisioning', 'ProvisioningSucceeded', 'WaitForFirstConsumer'} <= reasons


def test_its_end_is_its_own(cluster):
    """A volume that is full hurts nobody else."""
    cluster.kubectl.apply(claim('small', '8Mi'))
    text = run(cluster, 'fills', 'small', 'dd if=/dev/zero of=/v/f bs=1M count=64 2>&1; df -k /v | tail -1')
    assert 'No space left on device' in text
    assert cluster.kubectl('exec', 'first', '--', 'sh', '-c', 'echo more >> /v/data && sync && cat /v/data') == 'kept\nmore\n'
    gone(cluster, 'small')


def test_growing_while_it_is_mounted(cluster):
    before = int(cluster.kubectl('exec', 'first', '--', 'df', '-k', '/v').split('\n')[1].split()[1])
    cluster.kubectl('patch', 'pvc', 'first', '-p', json.dumps({'spec': {'resources': {'requests': {'storage': '96Mi'}}}}))

    def grown():
        status = cluster.kubectl.json('get', 'pvc', 'first')['status']
        return status['capacity']['storage'] == '96Mi' and not status.get('conditions')
    # The kernel wants CAP_SYS_RESOURCE for a file system that is mounted; without, it grows when it is staged next.
    await_true('the node has tried', lambda: grown() or 'VolumeResizeFailed' in cluster.kubectl('get', 'events'), timeout_s=150)
    if not grown():
        said = next(e['message'] for e in cluster.kubectl.json('get', 'events')['items'] if e['reason'] == 'VolumeResizeFailed')
        assert 'it grows when it is staged next' in said and 'Permission denied' in said, said
        cluster.kubectl('delete', 'pod', 'first')
        cluster.kubectl.apply(pod('first', 'first'))
        await_true('it runs again', lambda: phase(cluster, 'first') == 'Running', timeout_s=40)
    await_true('the claim has grown', grown, timeout_s=20)
    after = int(cluster.kubectl('exec', 'first', '--', 'df', '-k', '/v').split('\n')[1].split()[1])
    assert after > 2.5 * before and volume_of(cluster, 'first')['spec']['capacity'] == {'storage': '96Mi'}


def test_the_server_starts_anew(cluster):
    was = cluster.kubectl.json('get', 'pod', 'first')['status']['containerStatuses'][0]
    cluster.server.stop()
    cluster.server.start()
    cluster.await_ready()
    assert cluster.kubectl('exec', 'first', '--', 'cat', '/v/data') == 'kept\nmore\n'
    now = cluster.kubectl.json('get', 'pod', 'first')['status']['containerStatuses'][0]
    assert (now['containerID'], now['restartCount']) == (was['containerID'], was['restartCount'])
    assert len(loops(cluster.server)) == 1


def test_it_goes_with_its_claim(cluster):
    cluster.kubectl('delete', 'pod', 'first')
    assert run(cluster, 'again', 'first', 'cat /v/data') == 'kept\nmore\n'
    gone(cluster, 'first')
    await_true('nothing is left', lambda: images(cluster.server) == [] and loops(cluster.server) == [], timeout_s=10)


def test_what_is_retained_stays(cluster):
    retained = cluster.kubectl.json('get', 'storageclass', 'local-path')
    cluster.kubectl.apply({**retained, 'metadata': {'name': 'kept'}, 'reclaimPolicy': 'Retain'})
    cluster.kubectl.apply(claim('kept', storageClassName='kept'))
    run(cluster, 'writes', 'kept', 'echo precious > /v/data')
    volume = volume_of(cluster, 'kept')['metadata']['name']
    cluster.kubectl('delete', 'pvc', 'kept')
    await_true('it is released', lambda: cluster.kubectl.json('get', 'pv', volume)['status']['phase'] == 'Released')
    assert len(images(cluster.server)) == 1
    cluster.kubectl('patch', 'pv', volume, '--type=merge', '-p', '{"spec":{"claimRef":null}}')
    cluster.kubectl.apply(claim('taken', storageClassName='kept', volumeName=volume))
    assert run(cluster, 'reads', 'taken', 'cat /v/data') == 'precious\n'
    cluster.kubectl('patch', 'pv', volume, '--type=merge', '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
    gone(cluster, 'taken')
    await_true('nothing is left', lambda: images(cluster.server) == [])


def test_clones_and_devices(cluster):
    cluster.kubectl.apply(claim('origin'))
    run(cluster, 'fills', 'origin', 'echo first > /v/data')
    cluster.kubectl.apply(claim('clone', '64Mi', dataSource={'kind': 'PersistentVolumeClaim', 'name': 'origin'}))
    assert run(cluster, 'clone', 'clone', 'cat /v/data; echo second > /v/data') == 'first\n'
    assert run(cluster, 'origin', 'origin', 'cat /v/data') == 'first\n'
    cluster.kubectl.apply(claim('raw', volumeMode='Block'))
    assert run(cluster, 'raw', 'raw', 'printf kept | dd of=/dev/v conv=notrunc 2>/dev/null; dd if=/dev/v bs=4 count=1 2>/dev/null', device=True) == 'kept'
    looked = run(cluster, 'looks', 'raw', 'dd if=/dev/v bs=4 count=1 2>/dev/null; (printf lost | dd of=/dev/v conv=notrunc) 2>&1 | head -1', device=True, readOnly=True)
    assert looked == "keptdd: can't open '/dev/v': Operation not permitted\n"
    gone(cluster, 'origin', 'clone', 'raw')


def test_what_the_node_has_no_room_for(cluster):
    cluster.kubectl.apply(claim('huge', '100Ti'))
    cluster.kubectl.apply(pod('huge', 'huge'))
    await_true('the scheduler says so', lambda: 'did not have enough free storage' in cluster.kubectl('get', 'events', '--field-selector=involvedObject.name=huge'), timeout_s=20)
    cluster.kubectl('delete', 'pod', 'huge')
    cluster.kubectl('delete', 'pvc', 'huge')
    assert images(cluster.server) == []


def test_a_policy_that_becomes_retain(cluster):
    """Nothing of ours holds up the administrator, and the data stays."""
    cluster.kubectl.apply(claim('mine'))
    run(cluster, 'writes', 'mine', 'echo precious > /v/data')
    volume = volume_of(cluster, 'mine')['metadata']['name']
    cluster.kubectl('patch', 'pv', volume, '--type=merge', '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    cluster.kubectl('delete', 'pvc', 'mine')
    await_true('it is released', lambda: cluster.kubectl.json('get', 'pv', volume)['status']['phase'] == 'Released')
    cluster.kubectl('delete', 'pv', volume, '--timeout=20s')
    assert len(images(cluster.server)) == 1


def test_what_it_may_do(cluster):
    who = f'--as=system:serviceaccount:kube-system:local-storage'
    for verb, what in (('get', 'secrets'), ('create', 'pods'), ('delete', 'persistentvolumeclaims'), ('update', 'nodes'), ('create', 'csistoragecapacities')):
        done = subprocess.run([*cluster.kubectl.base, 'auth', 'can-i', verb, what, who], capture_output=True, text=True)
        assert done.stdout.strip() == 'no', (verb, what)


def selected(node):
    """What the scheduler writes of the node that it has chosen for a claim's first consumer."""
    return {'volume.kubernetes.io/selected-node': node}


def test_a_claim_on_an_agent(cluster):
    cluster.kubectl('uncordon', 'agent0')
    cluster.kubectl('cordon', 'server')
    await_true('its room is known', lambda: 'agent0' in [c['nodeTopology']['matchLabels'][f'topology.{DRIVER}/node'] for c in cluster.kubectl.json('get', 'csistoragecapacities', '-n', 'kube-system')['items']])
    cluster.kubectl.apply(claim('afar'))
    cluster.kubectl.apply(pod('afar', 'afar', f'echo kept > /v/data; {FOREVER}'))
    await_true('it writes', lambda: phase(cluster, 'afar') == 'Running', timeout_s=40)
    volume = volume_of(cluster, 'afar')
    assert volume['spec']['nodeAffinity']['required']['nodeSelectorTerms'][0]['matchExpressions'][0]['values'] == ['agent0']
    assert len(images(cluster.agents[0])) == 1 and images(cluster.server) == [i for i in images(cluster.server) if i.name != volume['spec']['csi']['volumeHandle']]
    cluster.kubectl('patch', 'pvc', 'afar', '-p', json.dumps({'spec': {'resources': {'requests': {'storage': '64Mi'}}}}))
    await_true('the volume has grown', lambda: volume_of(cluster, 'afar')['spec']['capacity'] == {'storage': '64Mi'}, timeout_s=20)


def test_a_class_that_binds_at_once(cluster):
    """On the node with room that the class allows, before any pod."""
    local = cluster.kubectl.json('get', 'storageclass', 'local-path')
    allowed = [{'matchLabelExpressions': [{'key': f'topology.{DRIVER}/node', 'values': ['server']}]}]
    cluster.kubectl.apply({**local, 'metadata': {'name': 'at-once'}, 'volumeBindingMode': 'Immediate', 'allowedTopologies': allowed})
    cluster.kubectl.apply(claim('at-once', storageClassName='at-once'))
    cluster.kubectl.apply(claim('too-large', '100Ti', storageClassName='at-once'))
    await_true('it is bound', lambda: cluster.kubectl.json('get', 'pvc', 'at-once')['status']['phase'] == 'Bound', timeout_s=20)
    assert volume_of(cluster, 'at-once')['spec']['nodeAffinity']['required']['nodeSelectorTerms'][0]['matchExpressions'][0]['values'] == ['server']
    await_true('the other is told', lambda: 'no node with the driver has room for it' in cluster.kubectl('get', 'events', '--field-selector=involvedObject.name=too-large'), timeout_s=20)
    gone(cluster, 'at-once', 'too-large')


def test_an_agent_that_is_away_holds_up_nobody_else(cluster):
    cluster.agents[0].stop()
    for n in range(8):
        waits = claim(f'waits{n}')
        waits['metadata']['annotations'] = selected('agent0')
        cluster.kubectl.apply(waits)
    cluster.kubectl('uncordon', 'server')
    cluster.kubectl('cordon', 'agent0')
    cluster.kubectl.apply(claim('near'))
    assert run(cluster, 'near', 'near', 'echo near') == 'near\n'
    gone(cluster, 'near')
    cluster.agents[0].start()
    names = [f'waits{n}' for n in range(8)]
    await_true('they are made when it is back', lambda: all(cluster.kubectl.json('get', 'pvc', name)['status']['phase'] == 'Bound' for name in names), timeout_s=90)
    assert cluster.kubectl('exec', 'afar', '--', 'cat', '/v/data') == 'kept\n'
    cluster.kubectl('delete', 'pod', 'afar')
    gone(cluster, 'afar', *names)
    await_true('nothing is left', lambda: images(cluster.agents[0]) == [] and loops(cluster.agents[0]) == [], timeout_s=20)


def test_who_may_ask_an_agent_for_volumes(cluster):
    """Whoever may do anything on a node; and a node's own name makes no volume that others would mount."""
    url = f'https://{cluster.agents[0].ip}:10250/csi/{DRIVER}/DeleteVolume'
    done = subprocess.run(cluster.server.command('curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'POST', url), capture_output=True, text=True)
    assert done.stdout == '401', done
    raw = ['--raw', f'/api/v1/nodes/agent0/proxy/csi/{DRIVER}/DeleteVolume', '-f', '/dev/null']
    for who, code in (('--as=system:serviceaccount:kube-system:local-storage', 'Forbidden'), ('--as=system:node:agent0', 'Forbidden')):
        done = subprocess.run([*cluster.kubectl.base, 'create', *raw, who], capture_output=True, text=True)
        assert done.returncode != 0 and code in done.stderr, done
    other = subprocess.run([*cluster.kubectl.base, 'create', '--raw', '/api/v1/nodes/agent0/proxy/csi/other.example/DeleteVolume', '-f', '/dev/null'], capture_output=True, text=True)
    assert 'the server could not find the requested resource' in other.stderr, other
    for verb, what in (('create', 'persistentvolumes'), ('delete', 'persistentvolumes'), ('create', 'csistoragecapacities')):
        done = subprocess.run([*cluster.kubectl.base, 'auth', 'can-i', verb, what, '--as=system:node:agent0', '--as-group=system:nodes'], capture_output=True, text=True)
        assert done.stdout.startswith('no'), (verb, what)
