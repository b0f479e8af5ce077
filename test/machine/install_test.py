"""`pintle install`: the machine starts it, a shutdown waits for its pods, a power cut takes nothing, and `pintle uninstall` leaves nothing."""
import json

from conftest import IMAGE
from support.nodes import Kubectl, await_true

GRACE_S = 60
CONTAINERD = '/var/lib/pintle/containerd/containerd.sock'


def ready(kubectl):
    try:
        return 'True' in kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}')
    except Exception:       # the API server is not there yet
        return False


def test_install_reboot_and_uninstall(machine):
    config = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'shutdownGracePeriod': f'{GRACE_S}s',
              'shutdownGracePeriodCriticalPods': '10s'}
    machine.run(f"echo '{json.dumps(config)}' > /root/kubelet.json")
    status, told = machine.ask('/opt/payload/pintle install server --token=x')
    assert status == 1 and '--token: whoever is on this machine may read a unit' in told, told
    flags = '--node-name=machine --bind-address=0.0.0.0 --kubelet-config=/root/kubelet.json --disable=dns,metrics-server'
    told = machine.run(f'PATH=/usr/sbin:/usr/bin:/sbin:/bin /opt/payload/pintle install server --set-kernel {flags}', 400)
    assert 'starting it\ndone' in told, told
    assert machine.run('systemctl is-active pintle; systemctl is-enabled pintle').split() == ['active', 'enabled']
    machine.run(f'ctr -a {CONTAINERD} -n k8s.io images import /opt/payload/images.tar', 400)
    kubectl = Kubectl(machine.kubeconfig())
    await_true('the node is ready', lambda: ready(kubectl), 300, 1)
    # logind waits five seconds for its own; the kubelet has told it to wait for the pods.
    assert 'InhibitDelayMaxSec=60' in machine.run('cat /etc/systemd/logind.conf.d/99-kubelet.conf')
    await_true('the kubelet holds the shutdown up', lambda: 'kubelet' in machine.run('systemd-inhibit --list --no-legend'), 60, 1)
    command = "trap 'sleep 2; date > /kept/ended; sync; exit 0' TERM; while true; do sleep 0.2; done"
    pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'patient'}, 'spec': {
        'terminationGracePeriodSeconds': 30, 'containers': [{'name': 'main', 'image': IMAGE, 'command': ['sh', '-c', command], 'volumeMounts': [{'name': 'kept', 'mountPath': '/kept'}]}],
        'volumes': [{'name': 'kept', 'hostPath': {'path': '/root/kept', 'type': 'DirectoryOrCreate'}}]}}
    kubectl.apply(pod)
    await_true('the pod runs', lambda: kubectl('get', 'pod', 'patient', '-o', 'jsonpath={.status.phase}') == 'Running', 240, 1)
    machine.reboot()
    assert machine.run('cat /root/kept/ended'), 'the shutdown waited for the pod'
    await_true('it runs again', lambda: machine.ask('systemctl is-active pintle')[1].strip() == 'active', 300, 1)
    await_true('the node is ready', lambda: ready(kubectl), 300, 1)
    why = kubectl.json('get', 'pod', 'patient')['status']
    assert why['reason'] == 'Terminated', why
    machine.run('PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/local/bin/pintle uninstall', 300)
    left = machine.run('ls -d /usr/local/bin/pintle /etc/systemd/system/pintle.service /etc/modules-load.d/pintle.conf /etc/sysctl.d/90-pintle.conf /var/lib/pintle 2> /dev/null || true')
    assert left == '', left
    assert machine.ask('systemctl is-active pintle')[1].strip() in ('inactive', 'unknown')
