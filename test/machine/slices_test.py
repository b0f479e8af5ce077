"""The cgroup driver systemd: slices of pods are units of systemd, with the limits that the kernel has; they come and go with their pods."""
import json

from conftest import IMAGE
from support.nodes import Kubectl, await_true


def pod(name, resources):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {'terminationGracePeriodSeconds': 0, 'containers': [{'name': 'main', 'image': IMAGE, 'command': ['sleep', '3600'], 'resources': resources}]}}


def unit(machine, name, *properties):
    text = machine.run(f'systemctl show {name} {" ".join("-p " + p for p in properties)}')
    return dict(line.split('=', 1) for line in text.splitlines() if '=' in line)


def slices(machine):
    return {line.split()[0] for line in machine.run('systemctl list-units --type=slice --all --plain --no-legend').splitlines() if line.startswith('kubepods')}


def test_pods_are_slices(machine):
    config = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'cgroupDriver': 'systemd', 'podPidsLimit': 500}
    machine.run(f"echo '{json.dumps(config)}' > /root/kubelet.json")
    kubectl = Kubectl(machine.serve('--kubelet-config=/root/kubelet.json', '--disable=dns,metrics-server'))
    await_true('the node is ready', lambda: 'True' in kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'), 240, 1)
    assert {'kubepods.slice', 'kubepods-burstable.slice', 'kubepods-besteffort.slice'} <= slices(machine)
    pods = [pod('bounded', {'requests': {'cpu': '250m', 'memory': '64Mi'}, 'limits': {'cpu': '500m', 'memory': '128Mi'}}), pod('whole', {'limits': {'cpu': '100m', 'memory': '64Mi'}}), pod('free', {})]
    kubectl.apply({'apiVersion': 'v1', 'kind': 'List', 'items': pods})
    await_true('the pods run', lambda: kubectl('get', 'pods', '-o', 'jsonpath={.items[*].status.phase}').split() == ['Running'] * 3, 240, 1)
    found = {p['metadata']['name']: p for p in kubectl.json('get', 'pods')['items']}

    def slice_of(name, qos=''):
        return f'kubepods{qos}-pod{found[name]["metadata"]["uid"].replace("-", "_")}.slice'
    bounded, whole, free = slice_of('bounded', '-burstable'), slice_of('whole'), slice_of('free', '-besteffort')
    assert {bounded, whole, free} <= slices(machine)

    def check():
        said = unit(machine, bounded, 'ActiveState', 'CPUWeight', 'CPUQuotaPerSecUSec', 'MemoryMax', 'TasksMax', 'ControlGroup')
        assert said == {'ActiveState': 'active', 'CPUWeight': '10', 'CPUQuotaPerSecUSec': '500ms', 'MemoryMax': str(128 << 20), 'TasksMax': '500', 'ControlGroup': f'/kubepods.slice/kubepods-burstable.slice/{bounded}'}, said
        files = machine.run(f'cd /sys/fs/cgroup{said["ControlGroup"]} && cat cpu.weight cpu.max memory.max pids.max').split()
        assert files == ['10', '50000', '100000', str(128 << 20), '500'], files
        assert unit(machine, whole, 'MemoryMax') == {'MemoryMax': str(64 << 20)} and unit(machine, free, 'CPUWeight') == {'CPUWeight': '1'}
    check()
    # systemd writes its own values again, and they are ours; the containers are scopes of its own below.
    machine.run('systemctl daemon-reload')
    check()
    container = found['bounded']['status']['containerStatuses'][0]['containerID'].rpartition('/')[2]
    assert unit(machine, f'cri-containerd-{container}.scope', 'ActiveState', 'Slice') == {'ActiveState': 'active', 'Slice': bounded}

    kubectl('delete', 'pod', 'bounded', 'free')
    await_true('their slices go', lambda: not {bounded, free} & slices(machine), 60, 1)
    machine.run('systemctl restart pintle', 240)
    await_true('the API server', lambda: kubectl('get', '--raw', '/readyz') == 'ok', 120, 1)
    again = kubectl.json('get', 'pod', 'whole')['status']['containerStatuses'][0]
    assert (again['containerID'], again['restartCount']) == (found['whole']['status']['containerStatuses'][0]['containerID'], 0)
    assert unit(machine, whole, 'ActiveState', 'MemoryMax') == {'ActiveState': 'active', 'MemoryMax': str(64 << 20)}

    machine.run('systemctl stop pintle', 120)
    machine.run('/opt/payload/pintle uninstall', 240)
    assert slices(machine) == set()
