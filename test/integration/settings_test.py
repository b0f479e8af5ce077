"""Settings through the binary: those that work do, those that do nothing are named at the start, and those that are nonsense are refused in one line."""
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
import yaml

from support.cluster import ApiServer, Process, pintle_binary, wait_for

KUBELET = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration'}
PROXY = {'apiVersion': 'kubeproxy.config.k8s.io/v1alpha1', 'kind': 'KubeProxyConfiguration'}
SCHEDULER = {'apiVersion': 'kubescheduler.config.k8s.io/v1', 'kind': 'KubeSchedulerConfiguration'}


def one_line(*args):
    """What a command says that does not start."""
    done = subprocess.run([pintle_binary(), *args], capture_output=True, text=True, timeout=30)
    lines = (done.stdout + done.stderr).strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1, (done.returncode, lines)
    return lines[0]


@pytest.mark.parametrize('command', ['server', 'agent', 'check', 'status', 'uninstall', 'token create', 'token list', 'token delete', 'kube-apiserver',
                                     'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'cluster-dns', 'node-routes'])
def test_every_command_explains_itself(command):
    for flag in ('--help', '-h'):
        done = subprocess.run([pintle_binary(), *command.split(), flag], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0 and done.stderr == '' and '-h, --help' in done.stdout, (flag, done)


@pytest.mark.parametrize('base, command, config, message', [
    (KUBELET, 'kubelet', {'featureGates': {'NoSuchGate': True}}, 'unrecognized feature gate: NoSuchGate'),
    (KUBELET, 'kubelet', {'featureGates': {'NodeSwap': False}}, 'NodeSwap'),
    (KUBELET, 'kubelet', {'cpuManagerPolicy': 'nonsense'}, 'cpuManagerPolicy: "nonsense"'),
    (KUBELET, 'kubelet', {'noSuchField': 1}, 'unknown field "noSuchField"'),
    (KUBELET, 'kubelet', {'authentication': {'x509': {'clientCa': 'x'}}}, 'unknown field "authentication.x509.clientCa"'),
    (KUBELET, 'kubelet', {'registryPullQPS': -5, 'maxOpenFiles': -1}, 'maxOpenFiles'),
    (KUBELET, 'kubelet', {'memoryManagerPolicy': 'Static'}, 'reservedMemory'),
    (KUBELET, 'kubelet', {'protectKernelDefaults': True}, 'protectKernelDefaults'),
    (PROXY, 'kube-proxy', {'featureGates': {'NoSuchGate': True}}, 'unrecognized feature gate: NoSuchGate'),
    (PROXY, 'kube-proxy', {'oomScoreAdj': 5000}, 'oomScoreAdj'),
    (PROXY, 'kube-proxy', {'noSuchField': 1}, 'unknown field "noSuchField"'),
    (SCHEDULER, 'kube-scheduler', {'parallelism': 0}, 'parallelism'),
    (SCHEDULER, 'kube-scheduler', {'leaderElection': {'leaseDuration': '5s'}}, 'leaseDuration'),
    (SCHEDULER, 'kube-scheduler', {'noSuchField': 1}, 'unknown field "noSuchField"'),
])
def test_a_configuration_that_is_nonsense_stops_the_start(tmp_path, base, command, config, message):
    path = tmp_path / 'config.yaml'
    path.write_text(yaml.safe_dump({**base, **config}))
    assert message in one_line(command, f'--config={path}')


@pytest.mark.parametrize('args, message', [
    (['kubelet', '--feature-gates=NoSuchGate=true'], 'NoSuchGate'),
    (['kubelet', '--feature-gates=MemoryQoS=maybe'], 'MemoryQoS'),
    (['kubelet', '--register-with-taints=a=b'], '--register-with-taints'),
    (['kubelet', '--cpu-manager-policy=nonsense'], 'cpuManagerPolicy'),
    (['kube-proxy', '--feature-gates=NoSuchGate=true'], 'NoSuchGate'),
    (['kube-controller-manager', '--feature-gates=NoSuchGate=true'], 'NoSuchGate'),
    (['kube-apiserver', '--vmodule=x'], '--vmodule'),
    (['kube-apiserver', '--logging-format=xml'], '--logging-format'),
    (['kube-apiserver', '--http2-max-streams-per-connection=-1'], '--http2-max-streams-per-connection'),
    (['kube-apiserver', '--etcd-prefix=/mine'], '--etcd-prefix'),
])
def test_a_flag_that_is_nonsense_stops_the_start(args, message):
    assert message in one_line(*args)


def first_warning(process):
    """The line that names what has no effect, once it is there."""
    found = []

    def look():
        found[:] = [line for line in process.log.read_text().splitlines() if 'no effect in this release' in line]
        return found
    wait_for(look, 'the line about settings without effect', process)
    return found[0]


def test_what_has_no_effect_is_named_at_the_start(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text(yaml.safe_dump({**KUBELET, 'maxOpenFiles': 5000, 'eventRecordQPS': 7, 'maxPods': 20, 'featureGates': {'MemoryQoS': True, 'GracefulNodeShutdown': False}}))
    kubelet = Process([pintle_binary(), 'kubelet', f'--config={path}', f'--root-dir={tmp_path}/kubelet', '--container-runtime-endpoint=unix:///no/such.sock', '--lock-file=/x',
                       '--event-qps=7', '--eviction-soft=memory.available=1Mi', '--eviction-soft-grace-period=memory.available=1m', '--fail-cgroupv1'], tmp_path / 'log')
    try:
        line = first_warning(kubelet)
        assert 'settings="--lock-file, --event-qps, maxOpenFiles, featureGates.MemoryQoS"' in line
    finally:
        kubelet.stop()
    assert mounts_below(tmp_path) == []


SLOW_MOUNT = '''
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data) {
  int result = syscall(SYS_mount, source, target, type, flags, data);
  usleep(1000000);
  return result;
}
'''


def test_a_kubelet_that_is_ended_while_it_starts_leaves_no_mount(tmp_path):
    if os.geteuid() != 0:
        pytest.skip('needs root')
    path = tmp_path / 'config.yaml'
    path.write_text(yaml.safe_dump(KUBELET))
    (tmp_path / 'slow.c').write_text(SLOW_MOUNT)
    subprocess.run(['gcc', '-shared', '-fPIC', '-o', tmp_path / 'slow.so', tmp_path / 'slow.c'], check=True)
    kubelet = Process([pintle_binary(), 'kubelet', f'--config={path}', f'--root-dir={tmp_path}/kubelet', '--container-runtime-endpoint=unix:///no/such.sock'],
                      tmp_path / 'log', env={**os.environ, 'LD_PRELOAD': str(tmp_path / 'slow.so')})
    wait_for(lambda: mounts_below(tmp_path), 'its root is mounted', kubelet)
    status = kubelet.stop()
    assert mounts_below(tmp_path) == [] and status == 1     # it has no container runtime


def mounts_below(folder):
    return [line.split()[1] for line in pathlib.Path('/proc/mounts').read_text().splitlines() if line.split()[1].startswith(str(folder))]


@pytest.mark.skipif(not pathlib.Path('/sys/fs/cgroup/memory').is_dir(), reason='this machine has cgroups of version 2')
def test_cgroups_of_version_1_are_refused_unless_said_otherwise(tmp_path):
    if os.geteuid() != 0:
        pytest.skip('needs root')
    assert 'failCgroupV1' in [line for line in log_of(tmp_path, '--fail-swap-on=false') if line.startswith('kubelet: ')][0]
    assert mounts_below(tmp_path) == [], 'a kubelet that does not start leaves no mount of its root'


def log_of(tmp_path, *flags):
    done = subprocess.run([pintle_binary(), 'kubelet', f'--root-dir={tmp_path}/kubelet', '--container-runtime-endpoint=unix:///no/such.sock', *flags], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    return done.stderr.splitlines()


@pytest.fixture(scope='module')
def tuned():
    with ApiServer(flags=['--http2-max-streams-per-connection=17', '--vmodule=api_handler=3,no_such_file=9']) as server:
        yield server


def h2_settings(url, pki):
    """The server's HTTP/2 settings: number → value."""
    context = ssl.create_default_context(cafile=pki.ca)
    context.set_alpn_protocols(['h2'])
    host, port = url.removeprefix('https://').split(':')
    with socket.create_connection((host, int(port)), timeout=10) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
        tls.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        head = read_exactly(tls, 9)
        length, kind = int.from_bytes(head[:3], 'big'), head[3]
        assert kind == 4, head
        payload = read_exactly(tls, length)
    return {int.from_bytes(payload[i:i + 2], 'big'): int.from_bytes(payload[i + 2:i + 6], 'big') for i in range(0, length, 6)}


def read_exactly(stream, count):
    out = b''
    while len(out) < count:
        piece = stream.recv(count - len(out))
        assert piece, 'the connection ended'
        out += piece
    return out


def test_the_streams_of_a_connection_are_limited(tuned):
    settings_max_concurrent_streams = 3
    assert h2_settings(tuned.url, tuned.pki)[settings_max_concurrent_streams] == 17


def test_source_files_are_more_talkative_by_name(tuned):
    tuned.get('/version')
    wait_for(lambda: 'URI="/version"' in tuned.server.log.read_text(), 'a line of api_handler.cpp')


def test_a_shutdown_waits_and_says_so():
    with ApiServer(flags=['--shutdown-delay-duration=4s']) as server:
        began = time.monotonic()
        ended = []
        stopper = threading.Thread(target=lambda: ended.append(server.server.stop()))
        stopper.start()
        wait_for(lambda: server.status('/readyz') == 500, '/readyz fails', timeout_s=3)
        assert server.status('/livez') == 200
        assert json.loads(server.get('/version'))['major'] == '1', 'it still serves'
        stopper.join()
        assert ended == [0] and 4 <= time.monotonic() - began < 20


if __name__ == '__main__':
    sys.exit(pytest.main([__file__]))
