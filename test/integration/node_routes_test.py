"""Routes between nodes with real packets: three nodes, each a network namespace with a bridge and a pod behind it, on one
switch; the API server is on the switch. Both ways of connecting them."""
import json
import os
import pathlib
import subprocess

import pytest
from support.cluster import ApiServer, Process, pintle_binary, run
from support.netns import ask, inside, own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root for network namespaces')

API_IP = '10.96.0.1'     # the server's certificate names it
COUNT = 3


class Node:
    def __init__(self, index):
        self.name, self.index = f'dr-n{index}', index
        self.pod = f'dr-p{index}'
        self.ip, self.pod_cidr, self.pod_ip = f'192.168.78.{index}', f'10.42.{index}.0/24', f'10.42.{index}.11'
        self.process = self.responder = None

    def command(self, *args):
        return run('nsenter', f'--net=/run/netns/{self.name}', *args)

    def in_pod(self, *args):
        return run('nsenter', f'--net=/run/netns/{self.pod}', *args)

    def up(self):
        for namespace in (self.name, self.pod):
            subprocess.run(['ip', 'netns', 'delete', namespace], capture_output=True)
            run('ip', 'netns', 'add', namespace)
        run('ip', 'link', 'add', f'leg{self.index}', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', self.name)
        run('ip', 'link', 'set', f'leg{self.index}', 'master', 'switch', 'up')
        for args in (('link', 'set', 'lo', 'up'), ('addr', 'add', f'{self.ip}/24', 'dev', 'eth0'), ('link', 'set', 'eth0', 'up'), ('route', 'add', API_IP, 'via', '192.168.78.254'),
                     ('route', 'add', 'default', 'via', '192.168.78.254'),
                     ('link', 'add', 'cni0', 'type', 'bridge'), ('addr', 'add', f'10.42.{self.index}.1/24', 'dev', 'cni0'), ('link', 'set', 'cni0', 'up'),
                     ('link', 'add', 'pod', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', self.pod), ('link', 'set', 'pod', 'master', 'cni0', 'up')):
            self.command('ip', *args)
        for args in (('link', 'set', 'lo', 'up'), ('addr', 'add', f'{self.pod_ip}/24', 'dev', 'eth0'), ('link', 'set', 'eth0', 'up'), ('route', 'add', 'default', 'via', f'10.42.{self.index}.1')):
            self.in_pod('ip', *args)
        script = pathlib.Path(__file__).resolve().parents[1] / 'support/responder.py'
        self.responder = subprocess.Popen(['nsenter', f'--net=/run/netns/{self.pod}', 'python3', str(script), self.pod, '8080', 'tcp,udp'], stdout=subprocess.PIPE, text=True)
        assert self.responder.stdout.readline() == 'ready\n'

    def start(self, kubeconfig, mode, folder):
        self.process = Process(['nsenter', f'--net=/run/netns/{self.name}', pintle_binary(), 'node-routes', f'--kubeconfig={kubeconfig}', f'--hostname-override={self.name}', f'--mode={mode}',
                                '--cluster-cidr=10.42.0.0/16', '-v=2'], folder / f'{self.name}-{mode}.log')

    def stop(self):
        if self.process:
            assert self.process.stop() == 0, self.process.tail()
            self.process = None

    def clean_up(self):
        self.command(pintle_binary(), 'node-routes', '--cleanup')

    def down(self):
        if self.responder:
            self.responder.kill()
            self.responder.wait()
            self.responder.stdout.close()
        for namespace in (self.name, self.pod):
            subprocess.run(['ip', 'netns', 'delete', namespace], capture_output=True)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp('routes')
    with own_network():
        run('ip', 'link', 'add', 'switch', 'type', 'bridge')
        run('ip', 'addr', 'add', '192.168.78.254/24', 'dev', 'switch')
        run('ip', 'link', 'set', 'switch', 'up')
        run('ip', 'addr', 'add', f'{API_IP}/32', 'dev', 'lo')
        nodes = [Node(i) for i in range(1, COUNT + 1)]
        try:
            for node in nodes:
                node.up()
            with ApiServer(flags=['--bind-address=0.0.0.0', '--advertise-address=192.168.78.254'], upstream=os.environ.get('PEERS')) as api:
                api.nodes, api.out = nodes, folder
                api.node_config = api.pki.kubeconfig('node.conf', f'https://{API_IP}:{api.port}')
                for node in nodes:
                    create(api, node)
                yield api
        finally:
            for node in nodes:
                node.down()


def create(api, node):
    api.kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': node.name}, 'spec': {'podCIDR': node.pod_cidr, 'podCIDRs': [node.pod_cidr]}}))
    api.kubectl('patch', 'node', node.name, '--subresource=status', '--type=merge', '-p', json.dumps({'status': {'addresses': [{'type': 'InternalIP', 'address': node.ip}]}}))


def reach(source, target):
    return inside(source, lambda: ask(target, 8080, timeout_s=0.5))


@pytest.mark.parametrize('mode', ['host-gw', 'vxlan'])
def test_pods_reach_each_other_across_nodes(world, mode):
    nodes = world.nodes
    assert reach(nodes[0].pod, nodes[1].pod_ip) != (nodes[1].pod, nodes[0].pod_ip)
    for node in nodes:
        node.start(world.node_config, mode, world.out)
    try:
        for source in nodes:
            for target in nodes:
                # The pod is seen under its own address, from pod to pod.
                await_true(f'{source.pod} to {target.pod}', lambda: reach(source.pod, target.pod_ip) == (target.pod, source.pod_ip), 15, 0.02)
        # The node reaches the pods too, and answers come back.
        assert reach(nodes[0].name, nodes[2].pod_ip)[0] == nodes[2].pod
        # Packets as large as the path allows.
        size = 1450 - 28 if mode == 'vxlan' else 1500 - 28
        nodes[0].in_pod('ip', 'link', 'set', 'eth0', 'mtu', str(size + 28))
        assert ' 0% packet loss' in nodes[0].in_pod('ping', '-c', '2', '-i', '0.2', '-W', '2', '-M', 'do', '-s', str(size), nodes[1].pod_ip)
        # Outside the cluster a pod has its node's address.
        seen = run('nsenter', f'--net=/run/netns/{nodes[1].pod}', 'ping', '-c', '1', '-W', '2', '192.168.78.254')
        assert ' 0% packet loss' in seen

        # A node goes, and comes back at another address.
        if mode == 'vxlan':
            gone = nodes[2]
            world.kubectl('delete', 'node', gone.name)
            await_true('no route', lambda: gone.pod_cidr not in nodes[0].command('ip', 'route'), 10, 0.02)
            gone.stop()
            gone.command('ip', 'addr', 'del', f'{gone.ip}/24', 'dev', 'eth0')
            gone.command('ip', 'addr', 'add', '192.168.78.33/24', 'dev', 'eth0')
            for route in ((API_IP,), ('default',)):
                gone.command('ip', 'route', 'replace', *route, 'via', '192.168.78.254')
            gone.ip = '192.168.78.33'
            create(world, gone)
            gone.start(world.node_config, mode, world.out)
            await_true('reached again', lambda: reach(nodes[0].pod, gone.pod_ip) == (gone.pod, nodes[0].pod_ip), 15, 0.02)
            await_true('and back', lambda: reach(gone.pod, nodes[1].pod_ip) == (nodes[1].pod, gone.pod_ip), 15, 0.02)

        # The routes outlive the process, and a new one changes nothing.
        before = nodes[0].command('ip', 'route')
        nodes[0].stop()
        assert reach(nodes[0].pod, nodes[1].pod_ip)[0] == nodes[1].pod
        nodes[0].start(world.node_config, mode, world.out)
        assert nodes[0].command('ip', 'route') == before
        # What somebody removed comes back: a route, the device, and all of them after the link was down.
        nodes[0].command('ip', 'route', 'del', nodes[1].pod_cidr)
        await_true('healed', lambda: reach(nodes[0].pod, nodes[1].pod_ip) == (nodes[1].pod, nodes[0].pod_ip), 10, 0.02)
        if mode == 'vxlan':
            nodes[0].command('ip', 'link', 'del', 'pintle.1')
        else:
            nodes[0].command('ip', 'link', 'set', 'eth0', 'down')
            nodes[0].command('ip', 'link', 'set', 'eth0', 'up')
            for route in ((API_IP,), ('default',)):
                nodes[0].command('ip', 'route', 'replace', *route, 'via', '192.168.78.254')
        await_true('healed again', lambda: reach(nodes[0].pod, nodes[1].pod_ip) == (nodes[1].pod, nodes[0].pod_ip), 10, 0.02)
    finally:
        for node in nodes:
            node.stop()
            node.clean_up()
    for node in nodes:
        assert 'pintle' not in node.command('ip', 'link') + node.command('nft', 'list', 'tables')
        assert [line.split()[0] for line in node.command('ip', 'route').splitlines() if line.startswith('10.42.')] == [node.pod_cidr]
