"""`pintle kubelet` alone on a real containerd: pods whose node is set by hand, and what becomes of them."""
import contextlib
import gzip
import json
import os
import pathlib
import signal
import stat
import subprocess
import time

import pytest
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')


@pytest.fixture(scope='module')
def node():
    with own_network(), KubeletNode(config={'containerLogMaxSize': '64Ki', 'containerLogMaxFiles': 3, 'containerLogMonitorInterval': '3s'}) as n:
        yield n


def condition(pod, kind):
    return next((c for c in pod['status'].get('conditions', []) if c['type'] == kind), {})


def ready(pod):
    return pod is not None and condition(pod, 'Ready').get('status') == 'True'


def gone(pod):
    return pod is None


def phase(name):
    return lambda pod: pod and pod['status']['phase'] == name


def status(pod, container='main', kind='containerStatuses'):
    return next((s for s in (pod or {}).get('status', {}).get(kind, []) if s['name'] == container), {})


def waiting(pod, container='main'):
    return status(pod, container).get('state', {}).get('waiting', {})


def shell(script, **more):
    return {'command': ['sh', '-c', script], **more}


FOREVER = 'trap "exit 0" TERM; while true; do sleep 0.1; done'


def test_a_pod_runs_and_is_deleted(node):
    pod = node.run_pod('plain', shell(f'echo hello; {FOREVER}'), wait=ready)
    assert pod['status']['phase'] == 'Running' and pod['status']['podIP'].startswith('10.42.')
    assert status(pod)['restartCount'] == 0 and status(pod)['started'] and status(pod)['imageID'].startswith('docker.io/library/busybox@sha256:')
    assert [c['type'] for c in pod['status']['conditions']] == ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
    assert node.logs(pod) == 'hello\n'
    node.server.kubectl('delete', 'pod', 'plain', '--wait=false')
    node.wait('plain', gone)
    assert {r for _, r, _ in node.events('plain')} >= {'Created', 'Started', 'Killing'}
    assert not (node.folder / 'kubelet/pods' / pod['metadata']['uid']).exists()
    await_true('the logs go', lambda: not list((node.folder / 'pod-logs').glob(f"*{pod['metadata']['uid']}")))


@pytest.mark.parametrize('policy, script, want', [('Never', 'exit 0', 'Succeeded'), ('Never', 'exit 3', 'Failed'), ('OnFailure', 'exit 0', 'Succeeded')])
def test_pods_that_end(node, policy, script, want):
    name = f'ends-{policy.lower()}-{want.lower()}'
    pod = node.run_pod(name, shell(script), restartPolicy=policy, wait=phase(want))
    ended = status(pod)['state']['terminated']
    assert ended['exitCode'] == int(script[-1]) and ended['reason'] == ('Completed' if want == 'Succeeded' else 'Error')
    assert condition(pod, 'Ready')['reason'] == ('PodCompleted' if want == 'Succeeded' else 'PodFailed')
    node.server.kubectl('delete', 'pod', name, '--wait=false')
    node.wait(name, gone)


def not_ready(pod):
    """Why the pod is not ready, as its conditions tell."""
    assert condition(pod, 'Ready')['status'] == condition(pod, 'ContainersReady')['status'] == 'False'
    assert condition(pod, 'Ready')['message'] == condition(pod, 'ContainersReady')['message']
    return condition(pod, 'Ready')['reason'], condition(pod, 'Ready')['message']


UNREADY = ('ContainersNotReady', 'containers with unready status: [main]')


def test_a_crashing_container_backs_off(node):
    cure = {'volumeMounts': [{'name': 'cure', 'mountPath': '/cure'}]}
    folder = node.folder / 'cure'
    pod = node.run_pod('crash', shell(f'[ -e /cure/found ] && {{ {FOREVER}; }}; echo one last word > /dev/termination-log; exit 7', **cure),
                       volumes=[{'name': 'cure', 'hostPath': {'path': str(folder), 'type': 'DirectoryOrCreate'}}],
                       wait=lambda p: waiting(p).get('reason') == 'CrashLoopBackOff')
    assert waiting(pod)['message'] == f"back-off 10s restarting failed container=main pod=crash_default({pod['metadata']['uid']})"
    assert status(pod)['restartCount'] == 1 and status(pod)['lastState']['terminated']['exitCode'] == 7
    assert status(pod)['lastState']['terminated']['message'] == 'one last word\n' and status(pod)['lastState']['terminated']['reason'] == 'Error'
    assert ('Warning', 'BackOff', f"Back-off restarting failed container main in pod crash_default({pod['metadata']['uid']})") in node.events('crash')
    assert pod['status']['phase'] == 'Running' and not_ready(pod) == UNREADY
    assert not status(pod)['ready'] and not status(pod)['started']
    (folder / 'found').touch()
    pod = node.wait('crash', ready, timeout_s=20)     # when the back-off is over
    assert status(pod)['restartCount'] == 2 and 'running' in status(pod)['state']
    assert condition(pod, 'Ready') == {**condition(pod, 'Ready'), 'status': 'True'} and 'reason' not in condition(pod, 'Ready')


def test_termination_message_from_logs(node):
    pod = node.run_pod('message', shell('echo out; echo err >&2; exit 1', terminationMessagePolicy='FallbackToLogsOnError'), restartPolicy='Never', wait=phase('Failed'))
    assert sorted(status(pod)['state']['terminated']['message'].splitlines()) == ['err', 'out']


def test_init_containers_run_in_turn(node):
    volume = {'name': 'work', 'emptyDir': {}}
    mount = {'volumeMounts': [{'name': 'work', 'mountPath': '/work'}]}
    pod = node.run_pod('inits', shell('cat /work/order; ' + FOREVER, **mount), volumes=[volume], initContainers=[
        {'name': 'first', 'image': 'busybox:1.36', **shell('sleep 0.3; echo first >> /work/order', **mount)},
        {'name': 'second', 'image': 'busybox:1.36', **shell('echo second >> /work/order', **mount)}], wait=ready)
    assert node.logs(pod) == 'first\nsecond\n'
    assert all(s['ready'] and s['state']['terminated']['exitCode'] == 0 for s in pod['status']['initContainerStatuses'])


def test_a_failing_init_container_fails_the_pod(node):
    pod = node.run_pod('badinit', shell(FOREVER), restartPolicy='Never', initContainers=[{'name': 'bad', 'image': 'busybox:1.36', **shell('exit 4')}], wait=phase('Failed'))
    assert status(pod, 'bad', 'initContainerStatuses')['state']['terminated']['exitCode'] == 4
    assert waiting(pod) == {'reason': 'PodInitializing'}
    assert condition(pod, 'Initialized')['reason'] == 'ContainersNotInitialized'


def test_sidecars_start_first_and_end_last(node):
    volume = {'name': 'work', 'emptyDir': {}}
    mount = {'volumeMounts': [{'name': 'work', 'mountPath': '/work'}]}
    sidecar = {'name': 'side', 'image': 'busybox:1.36', 'restartPolicy': 'Always', **shell('echo side up >> /work/order; trap "cat /work/order; exit 0" TERM; while true; do sleep 0.05; done', **mount),
               'startupProbe': {'exec': {'command': ['test', '-f', '/work/order']}, 'periodSeconds': 1}}
    pod = node.run_pod('sidecar', shell('echo main up >> /work/order; sleep 0.5; echo main done >> /work/order', **mount), volumes=[volume], initContainers=[sidecar],
                       restartPolicy='Never', terminationGracePeriodSeconds=10, wait=phase('Succeeded'))
    assert node.logs(pod, 'side') == 'side up\nmain up\nmain done\n'


def test_images_that_cannot_be_had(node):
    node.run_pod('noimage', {'image': 'busybox:no-such-tag'})
    seen = node.wait('noimage', lambda p: waiting(p).get('reason') in ('ErrImagePull', 'ImagePullBackOff'))
    pod = node.wait('noimage', lambda p: waiting(p).get('reason') == 'ImagePullBackOff')
    assert waiting(pod)['message'].startswith('Back-off pulling image "busybox:no-such-tag": ErrImagePull: ')
    assert pod['status']['phase'] == 'Pending' and not_ready(pod) == not_ready(seen) == UNREADY
    assert condition(pod, 'PodReadyToStartContainers')['status'] == condition(pod, 'Initialized')['status'] == 'True'
    events = node.events('noimage')
    assert set(events) >= {('Normal', 'Pulling', 'Pulling image "busybox:no-such-tag"'), ('Warning', 'Failed', 'Error: ErrImagePull'),
                           ('Normal', 'BackOff', 'Back-off pulling image "busybox:no-such-tag"'), ('Warning', 'Failed', 'Error: ImagePullBackOff')}
    assert any(t == 'Warning' and r == 'Failed' and m.startswith('Failed to pull image "busybox:no-such-tag": ') for t, r, m in events)
    node.run_pod('never', {'image': 'registry.k8s.io/pause:3.6', 'imagePullPolicy': 'Never'}, wait=lambda p: waiting(p).get('reason') == 'ErrImageNeverPull')
    assert waiting(node.pod('never'))['message'] == 'Container image "registry.k8s.io/pause:3.6" is not present with pull policy of Never'
    assert ('Warning', 'ErrImageNeverPull', 'Container image "registry.k8s.io/pause:3.6" is not present with pull policy of Never') in node.events('never')
    node.run_pod('badname', {'image': 'Not/A:Name'}, wait=lambda p: waiting(p).get('reason') == 'InvalidImageName')
    assert any(r == 'InspectFailed' and m.startswith('Failed to apply default image tag "Not/A:Name": couldn\'t parse image name') for _, r, m in node.events('badname'))
    # Once there is such an image the next try finds it.
    node.registry.push(['docker.io/library/busybox:1.36'], as_name='docker.io/library/busybox:no-such-tag')
    pod = node.wait('noimage', lambda p: status(p).get('imageID', '').startswith('docker.io/library/busybox@'), timeout_s=30)
    assert any(r == 'Pulled' and m.startswith('Successfully pulled image "busybox:no-such-tag" in ') for _, r, m in node.events('noimage'))


def test_a_missing_config_map_is_waited_for(node):
    env = [{'name': 'WORD', 'valueFrom': {'configMapKeyRef': {'name': 'words', 'key': 'word'}}}]
    pod = node.run_pod('needs', shell('echo $WORD; ' + FOREVER, env=env), wait=lambda p: waiting(p).get('reason') == 'CreateContainerConfigError')
    assert waiting(pod)['message'] == 'configmap "words" not found'
    node.server.kubectl('create', 'configmap', 'words', '--from-literal=word=there')
    assert node.logs(node.wait('needs', ready, timeout_s=8)) == 'there\n'


def test_hooks(node):
    volume = {'name': 'work', 'hostPath': {'path': str(node.folder / 'hooks'), 'type': 'DirectoryOrCreate'}}
    hooks = {'postStart': {'exec': {'command': ['sh', '-c', 'echo started >> /work/log']}}, 'preStop': {'exec': {'command': ['sh', '-c', 'echo stopping >> /work/log']}}}
    node.run_pod('hooks', shell(FOREVER, lifecycle=hooks, volumeMounts=[{'name': 'work', 'mountPath': '/work'}]), volumes=[volume], terminationGracePeriodSeconds=10, wait=ready)
    node.server.kubectl('delete', 'pod', 'hooks', '--wait=false')
    node.wait('hooks', gone)
    assert (node.folder / 'hooks/log').read_text() == 'started\nstopping\n'


def test_a_failing_post_start_hook_ends_the_container(node):
    node.run_pod('badhook', shell(FOREVER, lifecycle={'postStart': {'exec': {'command': ['false']}}}), wait=lambda p: status(p).get('restartCount', 0) >= 1)
    assert 'FailedPostStartHook' in {r for _, r, _ in node.events('badhook')}


def test_liveness_and_readiness(node):
    # The first container loses its health, the second finds it again.
    script = '[ -e /life/second ] || { touch /tmp/ok /life/second; sleep 2; rm /tmp/ok; ' + FOREVER + '; }; sleep 2; touch /tmp/ok; ' + FOREVER
    pod = node.run_pod('probed', shell(script, livenessProbe={'exec': {'command': ['test', '-f', '/tmp/ok']}, 'periodSeconds': 1, 'failureThreshold': 4},
                                       readinessProbe={'exec': {'command': ['test', '-f', '/tmp/ok']}, 'periodSeconds': 1, 'failureThreshold': 1},
                                       volumeMounts=[{'name': 'life', 'mountPath': '/life'}]), volumes=[{'name': 'life', 'emptyDir': {}}], wait=ready)
    assert status(pod)['ready'] and status(pod)['started']
    pod = node.wait('probed', lambda p: condition(p, 'Ready').get('status') == 'False')
    assert not_ready(pod) == UNREADY and status(pod)['restartCount'] == 0 and 'running' in status(pod)['state']
    assert any(t == 'Warning' and r == 'Unhealthy' and m.startswith('Readiness probe failed: ') for t, r, m in node.events('probed'))
    pod = node.wait('probed', lambda p: status(p).get('restartCount') == 1 and 'running' in status(p)['state'])
    events = node.events('probed')
    assert ('Normal', 'Killing', 'Container main failed liveness probe, will be restarted') in events
    assert any(t == 'Warning' and r == 'Unhealthy' and m.startswith('Liveness probe failed: ') for t, r, m in events)
    assert status(pod)['lastState']['terminated']['exitCode'] == 0 and status(pod)['lastState']['terminated']['reason'] == 'Completed'
    pod = node.wait('probed', ready)
    assert status(pod)['restartCount'] == 1


def test_a_status_that_others_changed_is_put_right(node):
    pod = node.run_pod('told', shell(FOREVER), wait=ready)
    change = {'status': {'conditions': [{'type': 'Ready', 'status': 'False', 'reason': 'Elsewhere'}], 'phase': 'Unknown'}}
    node.server.kubectl('patch', 'pod', 'told', '--subresource=status', '-p', json.dumps(change))
    again = node.wait('told', lambda p: ready(p) and p['status']['phase'] == 'Running', timeout_s=8)
    assert condition(again, 'Ready') == condition(pod, 'Ready')


def test_active_deadline(node):
    pod = node.run_pod('deadline', shell(FOREVER), activeDeadlineSeconds=1, wait=phase('Failed'))
    assert pod['status']['reason'] == 'DeadlineExceeded'


def test_a_forced_deletion_leaves_nothing(node):
    node.run_pod('forced', shell('trap "" TERM; while true; do sleep 0.1; done'), terminationGracePeriodSeconds=3, wait=ready)
    before = set(node.running())
    node.server.kubectl('delete', 'pod', 'forced', '--grace-period=0', '--force', '--wait=false')
    node.wait('forced', gone)
    await_true('the end of its containers', lambda: len(node.running()) <= len(before) - 2, timeout_s=20)


def test_a_forced_deletion_gives_its_room_at_once(node):
    """The API has given the room to others: the next pod is let in, though what was there still ends in peace."""
    most = {**shell(FOREVER), 'resources': {'requests': {'cpu': f'{os.cpu_count() * 600}m'}}}
    node.run_pod('lingers', {**most, 'lifecycle': {'preStop': {'sleep': {'seconds': 20}}}}, terminationGracePeriodSeconds=21, wait=ready)
    node.server.kubectl('delete', 'pod', 'lingers', '--wait=false')
    assert node.run_pod('early', most, wait=phase('Failed'))['status']['reason'] == 'OutOfcpu'
    before = len(node.running())
    node.server.kubectl('delete', 'pod', 'lingers', '--grace-period=0', '--force', '--wait=false')
    node.run_pod('late', most, wait=ready)
    assert len(node.running()) == before + 2, 'both run for a while'
    node.server.kubectl('delete', 'pod', 'early', 'late', '--grace-period=1', '--wait=false')


def test_running_pods_are_adopted_after_a_restart(node):
    one = node.run_pod('stays', shell(FOREVER), wait=ready)
    node.run_pod('leaves', shell(FOREVER), wait=ready)
    assert node.stop_kubelet() == 0
    assert status(one)['containerID'].removeprefix('containerd://') in node.running()
    node.server.kubectl('delete', 'pod', 'leaves', '--grace-period=0', '--force', '--wait=false')
    before = len(node.running())
    node.start_kubelet()
    await_true('the orphan goes', lambda: len(node.running()) <= before - 2, timeout_s=20)
    pod = node.pod('stays')
    assert ready(pod) and status(pod)['containerID'] == status(one)['containerID'] and status(pod)['restartCount'] == 0


def test_a_killed_kubelet_and_a_killed_container(node):
    one = node.run_pod('again', shell(FOREVER), wait=ready)
    node.stop_kubelet(signal.SIGKILL)
    subprocess.run(['ctr', '--address', f'{node.folder}/containerd.sock', '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', status(one)['containerID'].removeprefix('containerd://')], check=True)
    node.start_kubelet()
    pod = node.wait('again', lambda p: ready(p) and status(p)['restartCount'] == 1)
    assert status(pod)['lastState']['terminated']['exitCode'] == 137


def test_a_killed_sandbox_is_made_again(node):
    one = node.run_pod('sandbox', shell(FOREVER), wait=ready)
    listed = subprocess.run(['ctr', '--address', f'{node.folder}/containerd.sock', '-n', 'k8s.io', 'containers', 'list'], capture_output=True, text=True).stdout
    sandboxes = [line.split()[0] for line in listed.splitlines() if 'pause' in line]
    for sandbox in sandboxes:
        info = json.loads(subprocess.run(['ctr', '--address', f'{node.folder}/containerd.sock', '-n', 'k8s.io', 'containers', 'info', sandbox], capture_output=True, text=True).stdout)
        if info['Labels'].get('io.kubernetes.pod.uid') == one['metadata']['uid']:
            subprocess.run(['ctr', '--address', f'{node.folder}/containerd.sock', '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', sandbox], check=True)
    pod = node.wait('sandbox', lambda p: ready(p) and status(p)['restartCount'] == 1)
    assert 'SandboxChanged' in {r for _, r, _ in node.events('sandbox')}
    assert pod['status']['podIP'] != ''


def test_ephemeral_containers(node):
    node.run_pod('debugged', shell(FOREVER), wait=ready)
    added = {'spec': {'ephemeralContainers': [{'name': 'debug', 'image': 'busybox:1.36', 'command': ['sh', '-c', 'echo looking; sleep 1000'], 'targetContainerName': 'main', 'terminationMessagePolicy': 'File'}]}}
    node.server.kubectl('patch', 'pod', 'debugged', '--subresource=ephemeralcontainers', '--type=strategic', '-p', json.dumps(added))
    pod = node.wait('debugged', lambda p: status(p, 'debug', 'ephemeralContainerStatuses').get('state', {}).get('running'))
    assert ready(pod) and node.logs(pod, 'debug') == 'looking\n'


def test_resize_in_place(node):
    pod = node.run_pod('resized', shell(FOREVER, resources={'requests': {'cpu': '100m', 'memory': '32Mi'}, 'limits': {'cpu': '200m', 'memory': '64Mi'}}), wait=ready)
    change = {'spec': {'containers': [{'name': 'main', 'resources': {'requests': {'cpu': '150m'}, 'limits': {'cpu': '300m', 'memory': '96Mi'}}}]}}
    node.server.kubectl('patch', 'pod', 'resized', '--subresource=resize', '-p', json.dumps(change))
    pod = node.wait('resized', lambda p: status(p).get('resources', {}).get('limits') == {'cpu': '300m', 'memory': '96Mi'} and p['status'].get('observedGeneration') == p['metadata']['generation'])
    assert status(pod)['restartCount'] == 0 and status(pod)['allocatedResources'] == {'cpu': '150m', 'memory': '32Mi'}
    assert not condition(pod, 'PodResizeInProgress') and not condition(pod, 'PodResizePending')
    below = f"sys/fs/cgroup/memory{node.cgroup}/kubepods/burstable/pod{pod['metadata']['uid']}"
    if os.path.isdir('/' + below):
        assert int(open(f'/{below}/memory.limit_in_bytes').read()) == 96 << 20
        container = status(pod)['containerID'].removeprefix('containerd://')
        assert int(open(f'/{below}/{container}/memory.limit_in_bytes').read()) == 96 << 20
    much = {'spec': {'containers': [{'name': 'main', 'resources': {'requests': {'cpu': '1000'}, 'limits': {'cpu': '1000'}}}]}}
    refused = node.server.kubectl('patch', 'pod', 'resized', '--subresource=resize', '-p', json.dumps(much), check=False)
    assert refused.returncode != 0 and 'enough allocatable resources: cpu' in refused.stderr
    assert status(node.pod('resized'))['resources']['limits']['cpu'] == '300m'


def test_pods_that_do_not_fit_are_rejected(node):
    pod = node.run_pod('large', {'resources': {'requests': {'cpu': '1000'}}}, wait=phase('Failed'))
    assert pod['status']['reason'] == 'OutOfcpu' and pod['status']['message'].startswith('Pod was rejected: Node didn\'t have enough resource: cpu, requested: 1000000, used: ')
    pod = node.run_pod('elsewhere', {}, nodeSelector={'no': 'such'}, wait=phase('Failed'))
    assert pod['status']['reason'] == 'NodeAffinity'


def test_init_containers_and_whole_pods_are_resized_in_place(node):
    assert {'InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers', 'RestartAllContainersOnContainerExits'} <= set(
        json.loads(node.server.kubectl('get', 'node', node.name, '-o', 'json'))['status']['declaredFeatures'])
    init = {'name': 'first', 'image': 'busybox:1.36', 'imagePullPolicy': 'IfNotPresent', 'command': ['sh', '-c', 'until [ -e /kept/go ]; do sleep 0.1; done'],
            'volumeMounts': [{'name': 'kept', 'mountPath': '/kept'}], 'resources': {'limits': {'cpu': '100m', 'memory': '16Mi'}}}
    node.run_pod('whole', shell(f'{FOREVER}'), initContainers=[init], volumes=[{'name': 'kept', 'emptyDir': {}}],
                 resources={'requests': {'cpu': '100m', 'memory': '32Mi'}, 'limits': {'cpu': '200m', 'memory': '64Mi'}},
                 wait=lambda p: p and status(p, 'first', 'initContainerStatuses').get('state', {}).get('running'))

    def resize(change):
        return node.server.kubectl('patch', 'pod', 'whole', '--subresource=resize', '-p', json.dumps({'spec': change}))

    def settled(p):
        return p and p['status'].get('observedGeneration') == p['metadata']['generation'] and not condition(p, 'PodResizeInProgress') and not condition(p, 'PodResizePending')
    # A container of init, while it runs.
    wanted = {'limits': {'cpu': '150m', 'memory': '24Mi'}, 'requests': {'cpu': '150m', 'memory': '24Mi'}}
    resize({'initContainers': [{'name': 'first', 'resources': wanted}]})
    pod = node.wait('whole', lambda p: settled(p) and status(p, 'first', 'initContainerStatuses').get('resources', {}).get('limits') == wanted['limits'])
    assert status(pod, 'first', 'initContainerStatuses')['restartCount'] == 0
    uid = pod['metadata']['uid']
    folder = node.folder / 'kubelet/pods' / uid / 'volumes/kubernetes.io~empty-dir/kept'
    (folder / 'go').touch()
    pod = node.wait('whole', ready)
    # The pod as a whole: its cgroup, and that of the container that has no limit of its own.
    resize({'resources': {'requests': {'cpu': '100m', 'memory': '32Mi'}, 'limits': {'cpu': '300m', 'memory': '96Mi'}}})
    pod = node.wait('whole', lambda p: settled(p) and p['status']['resources']['limits'] == {'cpu': '300m', 'memory': '96Mi'})
    assert status(pod)['restartCount'] == 0 and pod['status']['allocatedResources'] == {'cpu': '100m', 'memory': '32Mi'}
    id_ = status(pod)['containerID'].split('//')[1]
    limits = [p.read_text().strip() for p in pathlib.Path('/sys/fs/cgroup').rglob('memory.limit_in_bytes') if id_ in str(p) or (uid in str(p.parent.name))]
    limits += [p.read_text().strip() for p in pathlib.Path('/sys/fs/cgroup').rglob('memory.max') if id_ in str(p) or (uid in str(p.parent.name))]
    assert limits and set(limits) == {str(96 << 20)}, limits
    assert 'ResizeCompleted' in {r for _, r, _ in node.events('whole')}
    node.server.kubectl('delete', 'pod', 'whole', '--wait=false')
    node.wait('whole', gone)


def test_logs_are_rotated(node):
    pod = node.run_pod('talks', shell('i=0; while true; do i=$((i+1)); echo "$i a line that is long enough to fill the log before long, again and again"; [ $((i % 50)) = 0 ] && sleep 0.05; done'), wait=ready)
    folder = node.folder / 'pod-logs' / f"default_talks_{pod['metadata']['uid']}" / 'main'
    await_true('pieces set aside', lambda: len([p for p in folder.iterdir() if p.name.startswith('0.log.')]) == 2, timeout_s=30)
    await_true('earlier ones packed', lambda: sorted(p.name.endswith('.gz') for p in folder.iterdir() if p.name.startswith('0.log.')) == [False, True], timeout_s=30)

    def packed():
        with contextlib.suppress(FileNotFoundError):
            return [gzip.decompress(p.read_bytes()) for p in folder.glob('0.log.*.gz')]
    text = await_true('a packed piece', packed, timeout_s=10)[0]
    assert len(text) > 64 << 10 and b' a line that is long enough' in text.splitlines()[-1] and not list(folder.glob('*.tmp'))
    await_true('the log goes on', lambda: (folder / '0.log').exists() and (folder / '0.log').stat().st_size > 0, timeout_s=10)
    node.server.kubectl('delete', 'pod', 'talks', '--wait=false')
    node.wait('talks', gone)


def test_all_containers_begin_anew(node):
    rules = [{'action': 'RestartAllContainers', 'exitCodes': {'operator': 'In', 'values': [88]}}]
    volume = {'volumeMounts': [{'name': 'kept', 'mountPath': '/kept'}]}
    image = {'image': 'busybox:1.36', 'imagePullPolicy': 'IfNotPresent'}

    def container(name, script, **more):
        return {'name': name, **image, **volume, **shell(script), **more}
    # The worker ends as its rule says in its first two lives, once the other one runs.
    worker = 'n=$(cat /kept/init | wc -l); echo life $n; until [ -e /kept/other$n ]; do sleep 0.1; done; [ $n -gt 2 ] || exit 88; ' + FOREVER
    node.server.kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'anew'}, 'spec': {
        'nodeName': node.name, 'restartPolicy': 'Never', 'automountServiceAccountToken': False, 'terminationGracePeriodSeconds': 1, 'volumes': [{'name': 'kept', 'emptyDir': {}}],
        'initContainers': [container('first', 'echo ran >> /kept/init')],
        'containers': [container('worker', worker, restartPolicy='Never', restartPolicyRules=rules),
                       container('other', 'touch /kept/other$(cat /kept/init | wc -l); ' + FOREVER)]}}))

    def lives(count):
        return lambda p: (p and condition(p, 'Ready').get('status') == 'True' and status(p, 'worker').get('restartCount') == count)

    def restarting(p):
        return p and condition(p, 'AllContainersRestarting').get('status') == 'True' and status(p, 'worker')['restartCount'] == 1
    # The first time at once, then as crash loops wait.
    late = node.wait('anew', restarting)
    assert condition(late, 'AllContainersRestarting')['reason'] == 'RestartAllContainersStarted'
    assert status(late, 'other')['state'].get('running') and waiting(late, 'worker')['reason'] == 'CrashLoopBackOff'
    assert status(late, 'worker')['lastState']['terminated']['exitCode'] == 88
    sandbox = late['status']['podIP']
    pod = node.wait('anew', lives(2))
    assert condition(pod, 'AllContainersRestarting')['status'] == 'False' and condition(pod, 'Initialized')['status'] == 'True'
    assert pod['status']['podIP'] == sandbox and pod['status']['phase'] == 'Running'
    for it in (status(pod, 'worker'), status(pod, 'other'), status(pod, 'first', 'initContainerStatuses')):
        assert it['restartCount'] == 2 and it['lastState']['terminated']['reason'] == 'RestartingAllContainers', it
    assert node.logs(pod, container='worker').strip() == 'life 3'
    node.server.kubectl('delete', 'pod', 'anew', '--wait=false')
    node.wait('anew', gone)


def test_a_checkpoint_is_the_runtimes_to_make(node):
    node.run_pod('frozen', shell(FOREVER), wait=ready)
    token = node.server.kubectl('create', 'token', 'default').strip()    # everything is allowed on this API server

    def ask(path, *flags):
        return subprocess.run(['curl', '-sk', '-w', ' %{http_code}', '-H', f'Authorization: Bearer {token}', *flags, f'https://127.0.0.1:10250{path}'],
                              capture_output=True, text=True, timeout=20, check=True).stdout
    assert ask('/checkpoint/default/frozen/main').endswith(' 405')
    assert ask('/checkpoint/default/frozen/other', '-XPOST') == 'container other does not exist 404'
    said = ask('/checkpoint/default/frozen/main', '-XPOST')
    # This containerd does not know the call.
    assert said.startswith('checkpointing of default/frozen/main failed (rpc error: code = Unimplemented desc = ') and said.endswith(') 500'), said
    seen = [float(line.split()[1]) for line in ask('/metrics').splitlines() if line.startswith('kubelet_pleg_last_seen_seconds ')]
    assert len(seen) == 1 and 0 <= time.time() - seen[0] < 90
    assert stat.S_IMODE((node.folder / 'kubelet/checkpoints').stat().st_mode) == 0o700
    node.server.kubectl('delete', 'pod', 'frozen', '--wait=false')
    node.wait('frozen', gone)
