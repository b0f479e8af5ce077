"""What systemd hears of a Pintle that it runs, and what its logind makes it do: against a service manager and a logind of the tests' own."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile

import pytest
from support.cluster import ApiServer, pintle_binary, wait_for
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true
from support.system_bus import SystemBus, listen_for_notes

GRACE_S = 20


def heard(manager, timeout_s=30):
    manager.settimeout(timeout_s)
    return manager.recv(256).decode()


def test_an_api_server_says_when_it_is_ready_and_that_it_stops(tmp_path):
    manager = listen_for_notes(tmp_path / 'notify')
    with ApiServer(prefix=['env', f'NOTIFY_SOCKET={tmp_path}/notify', 'WATCHDOG_USEC=200000']) as server:
        assert heard(manager) == 'READY=1'
        assert server.kubectl('get', '--raw', '/readyz') == 'ok'
        for _ in range(3):      # twice as often as the service manager wants it
            assert heard(manager, 0.2) == 'WATCHDOG=1'
        server.processes[0].child.send_signal(signal.SIGTERM)
        await_true('it says that it stops', lambda: heard(manager) == 'STOPPING=1')
        assert server.processes[0].child.wait(20) == 0


@pytest.mark.parametrize('args, why', [
    ((), 'Usage: pintle install server|agent'),
    (('server', '--bogus'), 'unknown flag: --bogus'),
    (('server', '--kubelet-arg=max-pods=-1'), '--kubelet-arg: '),
    (('agent', '--server=https://127.0.0.1:1', '--token=abcdef.0123456789abcdef'), '--token: whoever is on this machine may read a unit'),
    (('server', '--config=x.yaml'), '--config'),
    (('server', '--set-kernel', '--no-start'), 'systemd does not run this machine'),
])
def test_install_refuses_before_it_does_anything(args, why):
    if pathlib.Path('/run/systemd/system').exists():
        pytest.skip('systemd runs this machine: test/machine installs')
    done = subprocess.run([pintle_binary(), 'install', *args], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and why in done.stderr, done.stderr
    assert not pathlib.Path('/usr/local/bin/pintle').exists()


@pytest.fixture(scope='module')
def machine():
    if missing() is not None or os.geteuid() != 0:
        pytest.skip(f'needs root, containerd, runc and CNI plugins: {missing()}')
    folder = pathlib.Path(tempfile.mkdtemp(prefix='pintle-notify-'))
    manager = listen_for_notes(folder / 'notify')
    with own_network(), SystemBus(delay_s=60) as bus:
        env = {'NOTIFY_SOCKET': str(folder / 'notify'), 'DBUS_SYSTEM_BUS_ADDRESS': bus.address}
        config = {'shutdownGracePeriod': f'{GRACE_S}s', 'shutdownGracePeriodCriticalPods': '5s'}
        with KubeletNode(env=env, config=config) as node:
            node.bus, node.manager = bus, manager
            yield node


def ready(node):
    conditions = json.loads(node.server.kubectl('get', 'node', node.name, '-o', 'json'))['status']['conditions']
    return next(c for c in conditions if c['type'] == 'Ready')


def test_a_shutdown_waits_for_the_pods(machine):
    assert heard(machine.manager) == 'READY=1'
    wait_for(lambda: machine.bus.held() == ['kubelet'], 'the kubelet holds the shutdown up', timeout_s=20)
    patient = "trap 'sleep 2; exit 0' TERM; while true; do sleep 0.1; done"
    machine.run_pod('patient', {'command': ['sh', '-c', patient]}, terminationGracePeriodSeconds=30, wait=lambda p: p and p['status'].get('phase') == 'Running')
    machine.bus.prepare_for_shutdown(True)
    wait_for(lambda: ready(machine)['message'] == 'node is shutting down', 'the node says why it is not ready', timeout_s=20)
    assert machine.bus.held() == ['kubelet'], 'its pod is still there'
    wait_for(lambda: machine.bus.held() == [], 'the kubelet lets go', timeout_s=GRACE_S)
    pod = machine.wait('patient', lambda p: p['status']['phase'] in ('Succeeded', 'Failed'))
    assert pod['status']['reason'] == 'Terminated' and pod['status']['message'] == 'Pod was terminated in response to imminent node shutdown.'
    # It does not go down after all.
    machine.bus.prepare_for_shutdown(False)
    wait_for(lambda: machine.bus.held() == ['kubelet'], 'the kubelet holds the next shutdown up', timeout_s=20)
    wait_for(lambda: ready(machine)['status'] == 'True', 'the node is ready', timeout_s=20)
    machine.run_pod('later', {'command': ['sleep', '600']}, wait=lambda p: p and p['status'].get('phase') == 'Running')
    events = json.loads(machine.server.kubectl('get', 'events', '-A', '-o', 'json'))['items']
    told = [e['message'] for e in events if e['reason'] == 'NodeShutdown']
    assert sorted(told) == ['Shutdown manager detected shutdown cancellation', 'Shutdown manager detected shutdown event']


def test_logind_comes_back(machine):
    machine.bus.restart()
    wait_for(lambda: machine.bus.held()[-1:] == ['kubelet'], 'the kubelet finds the new one', timeout_s=60)
