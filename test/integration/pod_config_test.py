"""What containers find inside: variables, files of volumes, names, users, limits. `pintle kubelet` on a real containerd."""
import base64
import json
import os
import pathlib
import subprocess

import pytest
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')


@pytest.fixture(scope='module')
def node():
    with own_network(), KubeletNode(config={'clusterDNS': ['10.96.0.10'], 'clusterDomain': 'cluster.local'}) as n:
        yield n


def ready(pod):
    return pod is not None and any(c['type'] == 'Ready' and c['status'] == 'True' for c in pod['status'].get('conditions', []))


def succeeded(pod):
    assert not pod or pod['status'].get('phase') != 'Failed', pod['status']
    return pod and pod['status'].get('phase') == 'Succeeded'


def waiting(pod):
    return next((s.get('state', {}).get('waiting', {}) for s in (pod or {}).get('status', {}).get('containerStatuses', [])), {})


FOREVER = 'trap "exit 0" TERM; while true; do sleep 0.1; done'


def output_of(node, name, script, volumes=(), mounts=(), container=None, **spec):
    """What a container prints that runs the script."""
    main = {'command': ['sh', '-c', script + '; true'], 'volumeMounts': list(mounts), **(container or {})}
    pod = node.run_pod(name, main, restartPolicy='Never', volumes=list(volumes), wait=succeeded, **spec)
    return node.logs(pod)


def read_in(node, pod, path):
    """A file of a volume as the host sees it."""
    return (node.folder / 'kubelet/pods' / pod['metadata']['uid'] / 'volumes' / path).read_text()


def test_environment(node):
    node.server.kubectl('create', 'configmap', 'words', '--from-literal=one=1', '--from-literal=two=2')
    node.server.kubectl('create', 'secret', 'generic', 'hidden', '--from-literal=password=xyz')
    env = [{'name': 'A', 'value': 'a'}, {'name': 'B', 'value': '$(A)-$(two)-$(NONE)-$$(A)'},
           {'name': 'SECRET', 'valueFrom': {'secretKeyRef': {'name': 'hidden', 'key': 'password'}}},
           {'name': 'NODE', 'valueFrom': {'fieldRef': {'fieldPath': 'spec.nodeName'}}},
           {'name': 'IP', 'valueFrom': {'fieldRef': {'fieldPath': 'status.podIP'}}},
           {'name': 'HOST', 'valueFrom': {'fieldRef': {'fieldPath': 'status.hostIP'}}},
           {'name': 'LABEL', 'valueFrom': {'fieldRef': {'fieldPath': "metadata.annotations['a']"}}},
           {'name': 'CPU', 'valueFrom': {'resourceFieldRef': {'resource': 'limits.cpu', 'divisor': '1m'}}},
           {'name': 'NOT', 'valueFrom': {'configMapKeyRef': {'name': 'absent', 'key': 'x', 'optional': True}}}]
    text = output_of(node, 'environment', 'env; echo "args $*"', container={
        'env': env, 'envFrom': [{'configMapRef': {'name': 'words'}}, {'prefix': 'P_', 'configMapRef': {'name': 'words'}}],
        'args': ['zero', '$(SECRET)'], 'resources': {'limits': {'cpu': '250m', 'memory': '64Mi'}}})
    got = dict(line.split('=', 1) for line in text.splitlines() if '=' in line)
    assert got['B'] == 'a-2-$(NONE)-$(A)' and got['one'] == '1' and got['P_two'] == '2' and got['SECRET'] == 'xyz'
    assert got['NODE'] == node.name and got['IP'].startswith('10.42.') and got['HOST'] == '127.0.0.1' and got['LABEL'] == '' and got['CPU'] == '250'
    assert 'NOT' not in got and 'args xyz\n' in text
    # The API server's Service, wherever the pod is.
    assert got['KUBERNETES_SERVICE_PORT_HTTPS'] == '443' and got['KUBERNETES_PORT'].startswith('tcp://')


def test_names_hosts_and_dns(node):
    text = output_of(node, 'names', 'hostname; cat /etc/hosts; echo ===; cat /etc/resolv.conf', hostname='busy', subdomain='sub',
                     hostAliases=[{'ip': '1.2.3.4', 'hostnames': ['alias.one', 'two']}], dnsConfig={'searches': ['extra.org'], 'options': [{'name': 'edns0'}]}, dnsPolicy='ClusterFirst')
    assert text.startswith('busy\n# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n')
    assert '\tbusy.sub.default.svc.cluster.local\tbusy\n' in text and '\n# Entries added by HostAliases.\n1.2.3.4\talias.one\ttwo\n' in text
    resolv = text.split('===\n')[1].splitlines()
    assert 'nameserver 10.96.0.10' in resolv and any(line.startswith('options') and 'ndots:5' in line and 'edns0' in line for line in resolv)
    search = next(line for line in resolv if line.startswith('search')).split()
    assert search[1:4] == ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'] and search[-1] == 'extra.org'
    assert output_of(node, 'fqdn', 'hostname', hostname='busy', subdomain='sub', setHostnameAsFQDN=True) == 'busy.sub.default.svc.cluster.local\n'
    none = output_of(node, 'nodns', 'cat /etc/resolv.conf', dnsPolicy='None', dnsConfig={'nameservers': ['9.9.9.9'], 'searches': ['a.b']})
    assert 'nameserver 9.9.9.9' in none and '10.96.0.10' not in none


def test_config_map_and_secret_files(node):
    node.server.kubectl('create', 'configmap', 'files', '--from-literal=a=alpha', '--from-literal=b=beta')
    node.server.kubectl('create', 'secret', 'generic', 'keys', '--from-literal=k=private')
    volumes = [{'name': 'c', 'configMap': {'name': 'files', 'items': [{'key': 'a', 'path': 'deep/er/a', 'mode': 0o400}]}}, {'name': 's', 'secret': {'secretName': 'keys', 'defaultMode': 0o440}},
               {'name': 'o', 'configMap': {'name': 'absent', 'optional': True}}]
    mounts = [{'name': 'c', 'mountPath': '/c'}, {'name': 's', 'mountPath': '/s'}, {'name': 'o', 'mountPath': '/o'}]
    text = output_of(node, 'files', 'cat /c/deep/er/a /s/k; echo; stat -Lc %a /c/deep/er/a /s/k; ls /o | wc -l; grep " /s " /proc/mounts | cut -d" " -f3; touch /c/x 2>&1', volumes, mounts)
    assert text.splitlines()[:5] == ['alphaprivate', '400', '440', '0', 'tmpfs'] and 'Read-only' in text


def test_files_follow_their_objects(node):
    node.server.kubectl('create', 'configmap', 'moving', '--from-literal=k=1')
    volumes = [{'name': 'c', 'configMap': {'name': 'moving'}}, {'name': 'd', 'downwardAPI': {'items': [{'path': 'labels', 'fieldRef': {'fieldPath': 'metadata.labels'}}]}},
               {'name': 'late', 'secret': {'secretName': 'late', 'optional': True}}]
    mounts = [{'name': v['name'], 'mountPath': '/' + v['name']} for v in volumes]
    script = 'while true; do cat /c/k; cat /d/labels; cat /late/k; echo; sleep 0.2; done 2>/dev/null'
    pod = node.run_pod('follows', {'command': ['sh', '-c', script], 'volumeMounts': mounts}, volumes=volumes, wait=ready)
    node.server.kubectl('patch', 'configmap', 'moving', '-p', '{"data":{"k":"2"}}')
    node.server.kubectl('label', 'pod', 'follows', 'color=blue')
    node.server.kubectl('create', 'secret', 'generic', 'late', '--from-literal=k=L')
    await_true('the container sees all three', lambda: node.logs(pod).endswith('2color="blue"L\n'), timeout_s=10)


def test_a_volume_that_cannot_be_made_is_told(node):
    node.run_pod('nosecret', {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 's', 'mountPath': '/s'}]}, volumes=[{'name': 's', 'secret': {'secretName': 'soon'}}])
    want = ('Warning', 'FailedMount', 'MountVolume.SetUp failed for volume "s" : secret "soon" not found')
    await_true('the event', lambda: want in node.events('nosecret'), timeout_s=10)
    assert waiting(node.pod('nosecret'))['reason'] == 'ContainerCreating'
    node.server.kubectl('create', 'secret', 'generic', 'soon', '--from-literal=k=v')
    node.wait('nosecret', ready, timeout_s=5)
    node.run_pod('nodir', {'volumeMounts': [{'name': 'h', 'mountPath': '/h'}]}, volumes=[{'name': 'h', 'hostPath': {'path': '/no/such', 'type': 'Directory'}}])
    want = ('Warning', 'FailedMount', 'MountVolume.SetUp failed for volume "h" : hostPath type check failed: /no/such is not a directory')
    await_true('the event', lambda: want in node.events('nodir'), timeout_s=10)
    node.run_pod('unused', {'command': ['sh', '-c', FOREVER]}, volumes=[{'name': 's', 'secret': {'secretName': 'never'}}], wait=ready)
    assert node.events('unused') and not any(reason == 'FailedMount' for _, reason, _ in node.events('unused'))
    node.server.kubectl('delete', 'pod', 'nodir', 'unused', '--wait=false')
    node.wait('unused', lambda p: p is None)
    node.wait('nodir', lambda p: p is None)


def test_projected_token(node):
    volumes = [{'name': 't', 'projected': {'sources': [{'serviceAccountToken': {'path': 'token', 'audience': 'vault', 'expirationSeconds': 600}},
                                                       {'downwardAPI': {'items': [{'path': 'namespace', 'fieldRef': {'fieldPath': 'metadata.namespace'}}]}}]}}]
    text = output_of(node, 'token', 'cat /t/token; echo; cat /t/namespace; echo; stat -Lc "%a %u %g" /t/token', volumes, [{'name': 't', 'mountPath': '/t'}],
                     securityContext={'runAsUser': 1000, 'runAsGroup': 3000, 'fsGroup': 2000})
    token, namespace, owner = text.splitlines()
    claims = json.loads(base64.urlsafe_b64decode(token.split('.')[1] + '=='))
    assert claims['aud'] == ['vault'] and claims['kubernetes.io']['pod']['name'] == 'token' and claims['exp'] - claims['iat'] == 600
    assert namespace == 'default' and owner == '640 1000 2000'


def test_empty_dirs(node):
    volumes = [{'name': 'disk', 'emptyDir': {}}, {'name': 'mem', 'emptyDir': {'medium': 'Memory', 'sizeLimit': '1Mi'}}]
    mounts = [{'name': 'disk', 'mountPath': '/disk'}, {'name': 'mem', 'mountPath': '/mem'}]
    script = 'stat -c "%a %g" /disk /mem; touch /disk/f; stat -c %g /disk/f; grep " /mem " /proc/mounts | grep -o size=1024k; dd if=/dev/zero of=/mem/big bs=1M count=2 2>&1 | grep -c "No space"; id -G'
    text = output_of(node, 'empty', script, volumes, mounts, securityContext={'runAsUser': 1000, 'fsGroup': 2000, 'supplementalGroups': [4000]})
    assert text.splitlines() == ['2777 2000', '2777 2000', '2000', 'size=1024k', '1', '0 2000 4000']
    plain = output_of(node, 'emptyplain', 'stat -c %a /disk', volumes[:1], mounts[:1])
    assert plain == '777\n'


def test_sub_paths(node):
    node.server.kubectl('create', 'configmap', 'parts', '--from-literal=one=first', '--from-literal=two=second')
    volumes = [{'name': 'd', 'emptyDir': {}}, {'name': 'c', 'configMap': {'name': 'parts'}}]
    mounts = [{'name': 'd', 'mountPath': '/made', 'subPath': 'a/b'}, {'name': 'd', 'mountPath': '/whole'}, {'name': 'c', 'mountPath': '/etc/one', 'subPath': 'one'},
              {'name': 'd', 'mountPath': '/mine', 'subPathExpr': 'logs/$(NAME)'}]
    env = [{'name': 'NAME', 'valueFrom': {'fieldRef': {'fieldPath': 'metadata.name'}}}]
    text = output_of(node, 'subpaths', 'touch /made/x /mine/y; find /whole -type f | sort; cat /etc/one', volumes, mounts, container={'env': env})
    assert text == '/whole/a/b/x\n/whole/logs/subpaths/y\nfirst\n'
    # A link in the volume that points at the node leads nowhere outside.
    init = {'name': 'evil', 'image': 'busybox:1.36', 'command': ['sh', '-c', 'ln -s / /d/root; ln -s ../../../../../../../../../../etc /d/climb; ln -s ../ /d/up'], 'volumeMounts': [{'name': 'd', 'mountPath': '/d'}]}
    for path in ('climb/hostname', 'root', 'up'):
        node.run_pod('escape', {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'd', 'mountPath': '/out', 'subPath': path}]}, volumes=volumes[:1], initContainers=[init])
        pod = node.wait('escape', lambda p: waiting(p).get('reason') == 'CreateContainerConfigError' or ready(p))
        assert not ready(pod) and waiting(pod)['message'] == 'failed to prepare subPath for volumeMount "d" of container "main"', path
        node.server.kubectl('delete', 'pod', 'escape', '--wait=false')
        node.wait('escape', lambda p: p is None)


def test_security_contexts(node):
    script = ('id -u; id -g; grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status | tr "\\t" " "; touch /x 2>&1; ls /proc/acpi 2>/dev/null | wc -l; cat /proc/self/oom_score_adj')
    plain = output_of(node, 'secplain', script).splitlines()
    assert plain[:2] == ['0', '0'] and 'NoNewPrivs: 0' in plain and 'CapEff: 00000000a80425fb' in plain and 'Seccomp: 0' in plain and not any('Read-only' in line for line in plain)
    tight = output_of(node, 'sectight', script, container={'securityContext': {
        'runAsUser': 65534, 'runAsGroup': 65534, 'allowPrivilegeEscalation': False, 'readOnlyRootFilesystem': True, 'capabilities': {'drop': ['ALL']}, 'seccompProfile': {'type': 'RuntimeDefault'}}}).splitlines()
    assert tight[:2] == ['65534', '65534'] and 'NoNewPrivs: 1' in tight and 'CapEff: 0000000000000000' in tight and 'Seccomp: 2' in tight and any('Read-only' in line for line in tight)
    more = output_of(node, 'secmore', script, container={'securityContext': {'capabilities': {'add': ['NET_ADMIN']}}}).splitlines()
    assert 'CapEff: 00000000a80435fb' in more
    node.run_pod('nonroot', {'command': ['true']}, securityContext={'runAsNonRoot': True})
    pod = node.wait('nonroot', lambda p: waiting(p).get('reason') == 'CreateContainerConfigError')
    assert waiting(pod)['message'] == f"container has runAsNonRoot and image will run as root (pod: \"nonroot_default({pod['metadata']['uid']})\", container: main)"


def test_namespaces_and_sysctls(node):
    shared = node.run_pod('sharedpid', {'command': ['sh', '-c', 'sleep 1000']}, {'command': ['sh', '-c', 'sleep 0.5; ps | grep -c "sleep 1000"; sleep 1000']}, shareProcessNamespace=True, wait=ready)
    await_true('one sees the other', lambda: node.logs(shared, 'c1').strip().isdigit() and int(node.logs(shared, 'c1')) >= 1, timeout_s=10)
    text = output_of(node, 'sysctl', 'cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_local_port_range', securityContext={'sysctls': [
        {'name': 'kernel.shm_rmid_forced', 'value': '1'}, {'name': 'net.ipv4.ip_local_port_range', 'value': '2000 3000'}]})
    assert text.split() == ['1', '2000', '3000']
    host = output_of(node, 'hostnet', 'ip -o link show cni0 | wc -l; head -1 /etc/hosts', hostNetwork=True)
    assert host == '1\n# Kubernetes-managed hosts file (host network).\n'


def test_resources_reach_the_kernel(node):
    root = pathlib.Path('/sys/fs/cgroup')
    pod = node.run_pod('limited', {'command': ['sh', '-c', FOREVER], 'resources': {'requests': {'cpu': '250m', 'memory': '32Mi'}, 'limits': {'cpu': '500m', 'memory': '64Mi'}}}, wait=ready)
    uid = pod['metadata']['uid']
    parent = f'{node.cgroup.lstrip("/")}/kubepods/burstable/pod{uid}'
    container = pod['status']['containerStatuses'][0]['containerID'].removeprefix('containerd://')
    if (root / 'memory' / parent).is_dir():
        assert (root / 'memory' / parent / 'memory.limit_in_bytes').read_text() == f'{64 << 20}\n'
        assert (root / 'memory' / parent / container / 'memory.limit_in_bytes').read_text() == f'{64 << 20}\n'
        assert (root / 'cpu' / parent / container / 'cpu.shares').read_text() == '256\n'
        assert (root / 'cpu' / parent / container / 'cpu.cfs_quota_us').read_text() == '50000\n'
        assert (root / 'cpu' / parent / 'cpu.cfs_quota_us').read_text() == '50000\n'
        swap = root / 'memory' / parent / container / 'memory.memsw.limit_in_bytes'
        assert not swap.exists() or swap.read_text() == f'{64 << 20}\n', 'NoSwap: memory and swap together have no more than memory'
    else:
        assert (root / parent / 'memory.max').read_text() == f'{64 << 20}\n'
        assert (root / parent / 'cpu.max').read_text() == '50000 100000\n'
    node.server.kubectl('delete', 'pod', 'limited', '--wait=false')
    node.wait('limited', lambda p: p is None)
    await_true('its cgroup goes', lambda: not (root / 'memory' / parent).exists() and not (root / parent).exists(), timeout_s=10)


def test_burstable_pods_weigh_what_they_ask_for_together(node):
    root = pathlib.Path('/sys/fs/cgroup')
    group = f'{node.cgroup.lstrip("/")}/kubepods/burstable'
    version_1 = root / 'cpu' / group / 'cpu.shares'
    shares = lambda: int((version_1 if version_1.exists() else root / group / 'cpu.weight').read_text())
    before = shares()
    for name, cpu in (('weighs-1', '1'), ('weighs-2', '500m')):
        node.run_pod(name, {'command': ['sh', '-c', FOREVER], 'resources': {'requests': {'cpu': cpu}}}, wait=ready)
    if version_1.exists():
        await_true('the shares of both', lambda: shares() - before in (1534, 1536), timeout_s=10)   # of 2 for none
    else:
        await_true('more weight', lambda: shares() > before, timeout_s=10)
    node.server.kubectl('delete', 'pod', 'weighs-1', 'weighs-2', '--wait=false')
    for name in ('weighs-1', 'weighs-2'):
        node.wait(name, lambda p: p is None)
    await_true('the shares of none of them', lambda: shares() == before, timeout_s=10)


def test_nothing_is_left(node):
    pod = node.run_pod('leaves-nothing', {'command': ['sh', '-c', FOREVER], 'volumeMounts': [{'name': 'm', 'mountPath': '/m'}, {'name': 'd', 'mountPath': '/d', 'subPath': 'x'}]},
                       volumes=[{'name': 'm', 'emptyDir': {'medium': 'Memory'}}, {'name': 'd', 'emptyDir': {}}, {'name': 's', 'secret': {'secretName': 'none', 'optional': True}}], wait=ready)
    uid = pod['metadata']['uid']
    assert uid in pathlib.Path('/proc/mounts').read_text()
    node.server.kubectl('delete', 'pod', 'leaves-nothing', '--wait=false')
    node.wait('leaves-nothing', lambda p: p is None)
    assert not (node.folder / 'kubelet/pods' / uid).exists()
    await_true('no mount is left', lambda: uid not in pathlib.Path('/proc/mounts').read_text())


def bound_volume(node, name, **source):
    """A claim bound to a volume of its own, as the controllers would have left them."""
    common = {'accessModes': ['ReadWriteOnce'], 'storageClassName': ''}
    claim = {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': name, 'namespace': 'default'},
             'spec': {**common, 'volumeName': f'pv-{name}', 'resources': {'requests': {'storage': '1Mi'}}}}
    anywhere = {'required': {'nodeSelectorTerms': [{'matchExpressions': [{'key': 'kubernetes.io/hostname', 'operator': 'Exists'}]}]}}
    node.server.kubectl('create', '-f', '-', stdin=json.dumps(claim))
    uid = node.server.kubectl('get', 'pvc', name, '-o', 'jsonpath={.metadata.uid}')
    volume = {'apiVersion': 'v1', 'kind': 'PersistentVolume', 'metadata': {'name': f'pv-{name}'},
              'spec': {**common, 'capacity': {'storage': '1Mi'}, 'claimRef': {'namespace': 'default', 'name': name, 'uid': uid}, 'nodeAffinity': anywhere, **source}}
    node.server.kubectl('create', '-f', '-', stdin=json.dumps(volume))
    node.server.kubectl('patch', 'pvc', name, '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Bound","capacity":{"storage":"1Mi"}}}')


def test_claims(node):
    for name, kind in (('local', 'local'), ('onhost', 'hostPath')):
        folder = node.folder / f'disk-{name}'
        folder.mkdir()
        (folder / 'data').write_text('precious\n')
        bound_volume(node, name, **{kind: {'path': str(folder)}})
        volumes = [{'name': 'v', 'persistentVolumeClaim': {'claimName': name}}]
        text = output_of(node, f'claims-{name}', 'cat /v/data; echo more >> /v/data', volumes, [{'name': 'v', 'mountPath': '/v'}])
        assert text == 'precious\n'
        node.server.kubectl('delete', 'pod', f'claims-{name}', '--wait=false')
        node.wait(f'claims-{name}', lambda p: p is None)
        assert (folder / 'data').read_text() == 'precious\nmore\n'
    bound_volume(node, 'strict', local={'path': str(folder)}, mountOptions=['nodev', 'noexec'])
    text = output_of(node, 'claims-strict', "grep ' /v ' /proc/mounts", [{'name': 'v', 'persistentVolumeClaim': {'claimName': 'strict'}}], [{'name': 'v', 'mountPath': '/v'}])
    assert {'nodev', 'noexec'} <= set(text.split()[3].split(','))


def test_host_ports(node):
    main = {'command': ['sh', '-c', 'mkdir /www; echo served > /www/index.html; exec httpd -f -p 8080 -h /www'], 'ports': [{'containerPort': 8080, 'hostPort': 18080}]}
    pod = node.run_pod('hostport', main, wait=ready)

    def fetch():
        done = subprocess.run(['curl', '-s', '-m', '2', 'http://10.42.0.1:18080/'], capture_output=True, text=True)
        return done.stdout == 'served\n'
    await_true('the port of the node leads to the pod', fetch, timeout_s=10)
    node.server.kubectl('delete', 'pod', 'hostport', '--wait=false')
    node.wait('hostport', lambda p: p is None)
    await_true('the port is closed', lambda: not fetch(), timeout_s=10)
    assert pod['status']['podIP'] != '10.42.0.1'
