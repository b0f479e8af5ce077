"""What a container, a volume, an image or a neighbour may try on a node: `pintle kubelet` on a real containerd, a private registry."""
import base64
import json
import os
import pathlib
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
from support.cluster import wait_for
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true, mirror_of
from support.registry import Registry, build_images

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

PRIVATE = 'private.example.com/team/app:1'
FOREVER = 'trap "exit 0" TERM; while true; do sleep 0.1; done'
GIB = 1 << 30


@pytest.fixture(scope='module')
def node():
    # Whoever asks is let in: what is tried here is what happens then.
    open_doors = {'authentication': {'anonymous': {'enabled': True}, 'webhook': {'enabled': False}}, 'authorization': {'mode': 'AlwaysAllow'},
                  'enableSystemLogHandler': True, 'port': 10250}
    with own_network(), KubeletNode(config=open_doors) as n, Registry(images=build_images(), users={'alice': 'secret', 'bob': 'other'}) as private:
        private.push(['registry.k8s.io/pause:3.10.2'], as_name=PRIVATE)
        mirror_of(n.folder / 'mirror', 'private.example.com', private.url)
        n.private = private
        yield n
        # Nothing above has harmed the process: it is the one that was started, and small.
        assert n.kubelet.child.poll() is None, n.kubelet.tail()
        status = pathlib.Path(f'/proc/{n.kubelet.child.pid}/status').read_text()
        used = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith('VmHWM:'))
        assert used < GIB // 4, f'{used >> 20} MiB'


def running(pod):
    return pod is not None and pod['status'].get('phase') == 'Running'


def waiting(pod):
    return next((s.get('state', {}).get('waiting', {}) for s in (pod or {}).get('status', {}).get('containerStatuses', [])), {})


def delete(node, name, timeout_s=40):
    node.server.kubectl('delete', 'pod', name, '--wait=false', check=False)
    node.wait(name, lambda pod: pod is None, timeout_s=timeout_s)


def volume_folder(node, pod, name='v'):
    return node.folder / 'kubelet/pods' / pod['metadata']['uid'] / 'volumes/kubernetes.io~empty-dir' / name


def get(node, path, timeout_s=10):
    """Status and body of the kubelet's answer; 0 for none in time."""
    import ssl
    context = ssl._create_unverified_context()
    try:
        with urllib.request.urlopen(f'https://127.0.0.1:10250{path}', context=context, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()
    except (TimeoutError, socket.timeout, urllib.error.URLError) as e:
        return 0, str(e).encode()


def nest(folder, depth, name='d'):
    """`depth` directories inside one another, with a file in the last, made as a container would make them."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open('file', os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


# --- volumes -----------------------------------------------------------------------------------------------------------------
def test_deep_directories_go_with_their_pod(node):
    """Directories deeper than 512 could not be removed: the pod stayed Terminating for ever."""
    pod = node.run_pod('deep', {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}, volumes=[{'name': 'v', 'emptyDir': {}}], wait=running)
    folder = volume_folder(node, pod)
    nest(folder, 1500)
    nest(folder, 40, 'x' * 255)      # a path longer than any call takes
    delete(node, 'deep', timeout_s=90)    # some file systems take milliseconds for each
    assert not (node.folder / 'kubelet/pods' / pod['metadata']['uid']).exists()


def test_deep_directories_count(node):
    """What lay deeper than 512 directories counted as nothing: a limit of 1Mi held nobody."""
    pod = node.run_pod('hoard', {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}, volumes=[{'name': 'v', 'emptyDir': {'sizeLimit': '1Mi'}}], wait=running)
    folder = volume_folder(node, pod)
    nest(folder, 600)
    at = os.open(folder, os.O_RDONLY)
    for _ in range(600):
        below = os.open('d', os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    big = os.open('big', os.O_CREAT | os.O_WRONLY, dir_fd=at)
    os.write(big, b'x' * (2 << 20))
    os.close(big)
    os.close(at)
    node.wait('hoard', lambda p: p['status'].get('reason') == 'Evicted', timeout_s=60)
    delete(node, 'hoard')


def test_links_of_a_volume_lead_nowhere(node):
    """A link in place of a subPath, of the fsGroup's files, of what is removed: nothing outside the volume is touched."""
    victim = node.folder / 'victim'
    victim.mkdir()
    (victim / 'file').write_text('whole')
    before = (victim.stat().st_gid, (victim / 'file').stat().st_mode)
    maker = {'command': ['sh', '-c', f'ln -s {victim} /v/link; ln -s / /v/root; mkfifo /v/fifo; ln /v/fifo /v/fifo2; echo made']}
    main = {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'v', 'mountPath': '/part', 'subPath': 'link'}]}
    init = [{'name': 'maker', 'image': 'busybox:1.36', 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}], **maker}]
    node.run_pod('links', main, initContainers=init, securityContext={'fsGroup': 4321}, volumes=[{'name': 'v', 'emptyDir': {}}])
    pod = node.wait('links', lambda p: waiting(p).get('reason') in ('CreateContainerConfigError', 'CreateContainerError'))
    assert 'failed to create subPath directory' in waiting(pod)['message'] or 'failed to prepare subPath' in waiting(pod)['message']
    assert str(victim) not in waiting(pod)['message']
    delete(node, 'links')
    assert (victim / 'file').read_text() == 'whole'
    assert (victim.stat().st_gid, (victim / 'file').stat().st_mode) == before


def test_a_fifo_holds_nobody(node):
    """A FIFO as the file of termination messages, and as an environment file: nothing waits for its other end."""
    maker = [{'name': 'maker', 'image': 'busybox:1.36', 'command': ['sh', '-c', 'mkfifo /v/fifo'], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}]
    main = {'command': ['sh', '-c', 'exit 3'], 'terminationMessagePath': '/message', 'volumeMounts': [{'name': 'v', 'mountPath': '/message', 'subPath': 'fifo'}]}
    for i in range(6):      # more than the pool for blocking work has threads to spare
        node.run_pod(f'fifo-{i}', main, initContainers=maker, restartPolicy='Never', volumes=[{'name': 'v', 'emptyDir': {}}])
    for i in range(6):
        pod = node.wait(f'fifo-{i}', lambda p: p['status'].get('phase') == 'Failed')
        assert pod['status']['containerStatuses'][0]['state']['terminated']['exitCode'] == 3
        delete(node, f'fifo-{i}')


def test_an_environment_file_is_a_file(node):
    """A FIFO, or a link, as a file of variables: a FIFO held a thread for ever, one for each try."""
    script = 'mkfifo /v/fifo; ln -s /etc/passwd /v/link; ln -s file /v/inside; echo "WORD=\'well\'" > /v/file; dd if=/dev/zero of=/v/huge bs=1M count=2'
    maker = [{'name': 'maker', 'image': 'busybox:1.36', 'command': ['sh', '-c', script], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]}]
    volumes = [{'name': 'v', 'emptyDir': {}}]

    def main(path):
        return {'command': ['sh', '-c', 'echo $WORD'], 'env': [{'name': 'WORD', 'valueFrom': {'fileKeyRef': {'volumeName': 'v', 'path': path, 'key': 'WORD'}}}]}
    for path in ('fifo', 'link', 'huge'):
        node.run_pod(f'env-{path}', main(path), initContainers=maker, restartPolicy='Never', volumes=volumes)
        node.wait(f'env-{path}', lambda p: waiting(p).get('reason') == 'CreateContainerConfigError')
    for path in ('file', 'inside'):
        pod = node.run_pod(f'env-{path}', main(path), initContainers=maker, restartPolicy='Never', volumes=volumes, wait=lambda p: p['status'].get('phase') == 'Succeeded')
        assert node.logs(pod) == 'well\n'
    for path in ('fifo', 'link', 'huge', 'file', 'inside'):
        delete(node, f'env-{path}')


def test_anothers_claim_is_not_mounted(node):
    """A claim that happens to be called POD-VOLUME was mounted for a generic ephemeral volume, whoever owned it."""
    folder = node.folder / 'precious'
    folder.mkdir()
    common = {'accessModes': ['ReadWriteOnce'], 'storageClassName': ''}
    claim = {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': 'thief-v', 'namespace': 'default'},
             'spec': {**common, 'volumeName': 'precious', 'resources': {'requests': {'storage': '1Mi'}}}}
    node.server.kubectl('create', '-f', '-', stdin=json.dumps(claim))
    uid = node.server.kubectl('get', 'pvc', 'thief-v', '-o', 'jsonpath={.metadata.uid}')
    volume = {'apiVersion': 'v1', 'kind': 'PersistentVolume', 'metadata': {'name': 'precious'},
              'spec': {**common, 'capacity': {'storage': '1Mi'}, 'claimRef': {'namespace': 'default', 'name': 'thief-v', 'uid': uid}, 'hostPath': {'path': str(folder)}}}
    node.server.kubectl('create', '-f', '-', stdin=json.dumps(volume))
    node.server.kubectl('patch', 'pvc', 'thief-v', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Bound"}}')
    template = {'spec': {**common, 'resources': {'requests': {'storage': '1Mi'}}}}
    node.run_pod('thief', {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]},
                 volumes=[{'name': 'v', 'ephemeral': {'volumeClaimTemplate': template}}])
    want = 'PVC default/thief-v was not created for pod default/thief (pod is not owner)'
    await_true('the event', lambda: any(want in message for _, reason, message in node.events('thief') if reason == 'FailedMount'), timeout_s=20)
    assert not running(node.pod('thief'))
    delete(node, 'thief')


# --- logs --------------------------------------------------------------------------------------------------------------------
def test_the_log_folder_shows_files_alone(node):
    """/logs/ followed links as root, and a FIFO held a thread of the kubelet for each who asked."""
    made = [pathlib.Path('/var/log') / f'pintle-hostile-{kind}' for kind in ('file', 'link', 'fifo', '<b>&')]
    file, link, fifo, named = made
    try:
        file.write_text('a line\n')
        named.write_text('')
        link.symlink_to('/etc/passwd')
        os.mkfifo(fifo)
        assert get(node, f'/logs/{file.name}') == (200, b'a line\n')
        assert get(node, f'/logs/{link.name}')[0] == 403
        for _ in range(20):
            assert get(node, f'/logs/{fifo.name}', timeout_s=5)[0] == 403
        status, page = get(node, '/logs/')
        assert status == 200 and b'pintle-hostile-&lt;b&gt;&amp;' in page and b'<b>' not in page
        assert get(node, '/logs/..%2f..%2fetc%2fpasswd')[0] in (400, 403, 404)
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def test_a_containers_log_is_a_file(node):
    """A link in place of a container's log showed any file of the node; a FIFO held whoever asked for it."""
    pod = node.run_pod('logged', {'command': ['sh', '-c', f'echo hello; {FOREVER}']}, wait=running)
    meta = pod['metadata']
    log = node.folder / 'pod-logs' / f"default_logged_{meta['uid']}" / 'main/0.log'
    await_true('the line', lambda: get(node, '/containerLogs/default/logged/main') == (200, b'hello\n'))
    kept = log.with_name('kept')
    log.rename(kept)
    secret = node.folder / 'secret-log'
    secret.write_text('2026-01-02T03:04:05Z stdout F top secret\n')
    log.symlink_to(secret)
    status, body = get(node, '/containerLogs/default/logged/main')
    assert status == 400 and b'top secret' not in body
    log.unlink()
    os.mkfifo(log)
    for query in ('', '?tailLines=1', '?follow=true'):
        assert get(node, f'/containerLogs/default/logged/main{query}', timeout_s=5)[0] == 400
    log.unlink()
    kept.rename(log)
    assert get(node, '/containerLogs/default/logged/main') == (200, b'hello\n')
    delete(node, 'logged')


# --- images ------------------------------------------------------------------------------------------------------------------
def tenant(node, name, user=None, password=None):
    node.server.kubectl('create', 'namespace', name, check=False)
    node.server.kubectl('-n', name, 'create', 'serviceaccount', 'default', check=False)
    node.server.kubectl('-n', name, 'delete', 'secret', 'pull', '--ignore-not-found')
    if user:
        auth = base64.b64encode(f'{user}:{password}'.encode()).decode()
        config = json.dumps({'auths': {'private.example.com': {'auth': auth}}})
        secret = {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': 'pull'}, 'type': 'kubernetes.io/dockerconfigjson', 'stringData': {'.dockerconfigjson': config}}
        node.server.kubectl('-n', name, 'create', '-f', '-', stdin=json.dumps(secret))


def outcome(node, namespace, policy, name='app'):
    """What comes of a pod with the private image: Running, or the reason and message why it waits; and its events."""
    pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {
        'nodeName': node.name, 'terminationGracePeriodSeconds': 0, 'automountServiceAccountToken': False, 'imagePullSecrets': [{'name': 'pull'}],
        'containers': [{'name': 'main', 'image': PRIVATE, 'imagePullPolicy': policy}]}}
    kubectl = lambda *args, **kw: node.server.kubectl('-n', namespace, *args, **kw)  # noqa: E731
    kubectl('create', '-f', '-', stdin=json.dumps(pod))

    def known():
        now = json.loads(kubectl('get', 'pod', name, '-o', 'json'))
        why = waiting(now)
        if why.get('reason') in ('ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull'):
            return f"{why['reason']}: {why.get('message', '')}"
        return 'Running' if running(now) else None
    try:
        result = await_true(f'{namespace}/{name}', known, timeout_s=40)
        events = json.loads(kubectl('get', 'events', '--field-selector', f'involvedObject.name={name}', '-o', 'json'))['items']
        return result, [e['message'] for e in events]
    finally:
        kubectl('delete', 'pod', name, '--wait=false')
        wait_for(lambda: kubectl('get', 'pod', name, check=False).returncode != 0, f'{name} goes', timeout_s=40)
        kubectl('delete', 'events', '--all')


def test_a_private_image_is_its_tenants(node):
    """Once one tenant's secret had brought a private image to the node, every pod there could run it."""
    for name, login in (('alice', ('alice', 'secret')), ('bob', ('bob', 'other')), ('mallory', ()), ('oscar', ('alice', 'wrong'))):
        tenant(node, name, *login)
    present = f'Container image "{PRIVATE}" already present on machine and can be accessed by the pod'
    result, events = outcome(node, 'alice', 'IfNotPresent')
    assert result == 'Running' and any('Successfully pulled image' in e for e in events), (result, events)
    for _ in range(2):      # the second time by a kubelet that has been started anew
        result, events = outcome(node, 'alice', 'IfNotPresent')
        assert result == 'Running' and present in events, (result, events)
        for stranger in ('mallory', 'oscar'):
            result, events = outcome(node, stranger, 'IfNotPresent')
            assert result.startswith(('ErrImagePull', 'ImagePullBackOff')), (stranger, result)
            assert present not in events
            result, events = outcome(node, stranger, 'Never')
            assert result == f'ErrImageNeverPull: Container image "{PRIVATE}" is not present with pull policy of Never', (stranger, result)
        node.stop_kubelet()
        node.start_kubelet()
    # Who has a login of his own shows it once, by a pull.
    result, events = outcome(node, 'bob', 'IfNotPresent')
    assert result == 'Running' and any('Successfully pulled image' in e for e in events), (result, events)
    result, events = outcome(node, 'bob', 'Never')
    assert result == 'Running' and present in events, (result, events)
    records = list((node.folder / 'kubelet/image_manager/pulled').iterdir())
    assert records and all(oct(record.stat().st_mode & 0o777) == '0o600' for record in records)
    text = ''.join(record.read_text() for record in records)
    assert 'private.example.com/team/app' in text and 'secret"' not in text, text
    assert not list((node.folder / 'kubelet/image_manager/pulling').iterdir())


def test_a_pull_secrets_key_takes_no_time(node):
    """An 18-byte key held the node agent for 10 s; 20 stars for ever."""
    tenant(node, 'stars')
    config = json.dumps({'auths': {'*a' * 20 + 'b.example.com': {'username': 'x', 'password': 'y'}}})
    node.server.kubectl('-n', 'stars', 'create', 'secret', 'generic', 'pull', '--type=kubernetes.io/dockerconfigjson', f'--from-literal=.dockerconfigjson={config}')
    pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'stars'}, 'spec': {
        'nodeName': node.name, 'automountServiceAccountToken': False, 'imagePullSecrets': [{'name': 'pull'}],
        'containers': [{'name': 'main', 'image': 'a' * 60 + '.example.com/x:1'}]}}
    node.server.kubectl('-n', 'stars', 'create', '-f', '-', stdin=json.dumps(pod))
    reason = lambda: waiting(json.loads(node.server.kubectl('-n', 'stars', 'get', 'pod', 'stars', '-o', 'json'))).get('reason', '')  # noqa: E731
    await_true('the pull fails', lambda: reason() in ('ErrImagePull', 'ImagePullBackOff'), timeout_s=30)
    assert get(node, '/healthz', timeout_s=2)[0] == 200
    node.server.kubectl('-n', 'stars', 'delete', 'pod', 'stars', '--wait=false', '--grace-period=0', '--force')


# --- certificates and records ------------------------------------------------------------------------------------------------
def test_nothing_is_written_through_a_link(node):
    """A link where the kubelet's temporary files used to be: what it points to stays whole."""
    victim = node.folder / 'victim-file'
    victim.write_text('whole')
    pod = node.run_pod('hosts', {'command': ['sh', '-c', FOREVER]}, wait=running)
    hosts = node.folder / 'kubelet/pods' / pod['metadata']['uid'] / 'etc-hosts'
    hosts.write_text('changed by the container\n')      # a container can: the next start writes it anew
    (hosts.parent / 'etc-hosts.tmp').symlink_to(victim)
    before = node.pod('hosts')['status']['containerStatuses'][0]['restartCount']
    subprocess.run(['ctr', '--address', f'{node.folder}/containerd.sock', '-n', 'k8s.io', 'task', 'kill', '-s', 'SIGKILL',
                    node.pod('hosts')['status']['containerStatuses'][0]['containerID'].removeprefix('containerd://')], check=True)
    node.wait('hosts', lambda p: p['status']['containerStatuses'][0]['restartCount'] > before and running(p))
    await_true('the file is written anew', lambda: '# Kubernetes-managed hosts file' in hosts.read_text())
    assert victim.read_text() == 'whole' and not hosts.is_symlink()
    delete(node, 'hosts')


def test_the_node_is_well(node):
    """After all of the above: the node is Ready, and a pod starts within seconds."""
    assert node.condition('Ready')['status'] == 'True'
    node.run_pod('fine', {'command': ['sh', '-c', 'echo fine']}, restartPolicy='Never', wait=lambda p: p['status'].get('phase') == 'Succeeded')
    delete(node, 'fine')
