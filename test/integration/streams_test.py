"""kubectl logs, exec, attach, cp and port-forward, and the proxies, through the API server and a kubelet to a real containerd."""
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from support.cluster import Process, free_port, kubectl_binary, wait_for
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

SERVER = 'echo up; sleep 0.1; echo problem >&2; mkdir -p /www/sub; echo index > /www/index.html; echo deep > /www/sub/page; exec httpd -f -p 8080 -h /www'


@pytest.fixture(scope='module')
def node():
    made = KubeletNode()
    made.server.upstream = os.environ.get('PEERS')   # the same with upstream's API server in front of our kubelet
    pki = made.server.pki
    made.config['authentication'] = {'x509': {'clientCAFile': pki.ca}}
    made.server.flags += [f'--kubelet-client-certificate={pki.path("admin.crt")}', f'--kubelet-client-key={pki.path("admin.key")}',
                          '--kubelet-preferred-address-types=InternalIP']
    with own_network(), made as n:
        yield n


@pytest.fixture(scope='module')
def web(node):
    ready = lambda p: p and any(c['type'] == 'Ready' and c['status'] == 'True' for c in p['status'].get('conditions', []))  # noqa: E731
    return node.run_pod('web', {'command': ['sh', '-c', SERVER], 'ports': [{'containerPort': 8080, 'name': 'http'}], 'stdin': True},
                        {'name': 'side', 'command': ['sh', '-c', 'i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done']}, wait=ready)


def run(node, *args, **kw):
    return node.server.kubectl(*args, check=False, **kw)


def raw(node, path, method='GET', data=None):
    request = urllib.request.Request(node.server.url + path, method=method, data=data)
    try:
        with urllib.request.urlopen(request, context=node.server.context, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def test_logs(node, web):
    assert run(node, 'logs', 'web', '-c', 'main').stdout == 'up\nproblem\n'
    assert run(node, 'logs', 'web', '-c', 'main', '--tail=1').stdout == 'problem\n'
    assert run(node, 'logs', 'web', '-c', 'main', '--timestamps').stdout.splitlines()[0].endswith('Z up')
    assert run(node, 'logs', 'web', '-c', 'main', '--limit-bytes=2').stdout == 'up'
    assert 'up\n' in run(node, 'logs', 'web', '--all-containers').stdout
    assert 'container nope is not valid for pod web' in run(node, 'logs', 'web', '-c', 'nope').stderr
    assert 'previous terminated container "main" in pod "web" not found' in run(node, 'logs', 'web', '-c', 'main', '-p').stderr
    assert raw(node, '/api/v1/namespaces/default/pods/web/log?container=main&tailLines=-1')[0] == 422


def test_logs_follow(node, web):
    child = subprocess.Popen([kubectl_binary(), 'logs', '-f', 'web', '-c', 'side', '--tail=1'], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, 'KUBECONFIG': node.server.kubeconfig})
    try:
        numbers = [int(child.stdout.readline().split()[1]) for _ in range(4)]
        assert numbers == list(range(numbers[0], numbers[0] + 4))
    finally:
        child.kill()
        child.wait()


def test_logs_follow_to_the_end_of_the_container(node):
    node.run_pod('short', {'command': ['sh', '-c', 'echo one; sleep 1; echo two']}, restartPolicy='Never', wait=lambda p: p and p['status']['phase'] == 'Running')
    assert run(node, 'logs', '-f', 'short').stdout == 'one\ntwo\n'


@pytest.mark.parametrize('websockets', ['true', 'false'])
def test_exec(node, web, websockets, monkeypatch):
    monkeypatch.setenv('KUBECTL_REMOTE_COMMAND_WEBSOCKETS', websockets)
    assert run(node, 'exec', 'web', '-c', 'main', '--', 'cat', '/www/index.html').stdout == 'index\n'
    done = run(node, 'exec', 'web', '-c', 'main', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3')
    assert (done.returncode, done.stdout) == (3, 'out\n') and 'err\n' in done.stderr
    assert 'command terminated with exit code 3' in done.stderr
    assert run(node, 'exec', '-i', 'web', '-c', 'main', '--', 'wc', '-c', stdin='x' * 300000).stdout.strip() == '300000'
    big = run(node, 'exec', 'web', '-c', 'main', '--', 'sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" z')
    assert len(big.stdout) == 3000000
    missing_program = run(node, 'exec', 'web', '-c', 'main', '--', 'no-such-program')
    assert missing_program.returncode != 0 and 'no-such-program' in missing_program.stderr
    assert 'container nope is not valid for pod web' in run(node, 'exec', 'web', '-c', 'nope', '--', 'true').stderr


def test_exec_with_a_terminal(node, web):
    # The program ends when it is told to: what a terminal shows just before its program ends may be lost in containerd's shim.
    program = r'tty; until [ \"\$(stty size 2>/dev/null)\" = \"33 77\" ]; do :; done; echo resized; read line'
    script = f'stty rows 33 cols 77; KUBECONFIG={node.server.kubeconfig} {kubectl_binary()} exec -it web -c main -- sh -c "{program}"'
    with subprocess.Popen(['timeout', '60', 'script', '-qec', script, '/dev/null'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        shown = b''
        while b'resized' not in shown:
            piece = os.read(child.stdout.fileno(), 4096)
            assert piece, shown
            shown += piece
        assert b'/dev/pts/' in shown
        child.stdin.write(b'end\n')
        child.stdin.flush()
        assert child.wait(60) == 0


def test_cp(node, web, tmp_path):
    (tmp_path / 'file').write_bytes(os.urandom(200000))
    done = run(node, 'cp', '-c', 'main', str(tmp_path / 'file'), 'web:/tmp/file')
    assert done.returncode == 0, done.stderr
    done = run(node, 'cp', '-c', 'main', 'web:/tmp/file', str(tmp_path / 'back'))
    assert (tmp_path / 'back').read_bytes() == (tmp_path / 'file').read_bytes()


def test_attach(node):
    node.run_pod('cat', {'command': ['cat'], 'stdin': True, 'stdinOnce': True}, restartPolicy='Never', wait=lambda p: p and p['status']['phase'] == 'Running')
    assert run(node, 'attach', '-i', 'cat', stdin='hello\n').stdout == 'hello\n'
    node.wait('cat', lambda p: p['status']['phase'] == 'Succeeded')


@pytest.mark.parametrize('websockets', ['true', 'false'])
def test_port_forward(node, web, websockets):
    port = free_port()
    env = {**os.environ, 'KUBECONFIG': node.server.kubeconfig, 'KUBECTL_PORT_FORWARD_WEBSOCKETS': websockets}
    forward = Process([kubectl_binary(), 'port-forward', 'pod/web', f'{port}:8080'], node.folder / f'forward-{websockets}.log', env=env)
    try:
        wait_for(lambda: 'Forwarding from' in forward.tail(), 'port-forward', forward)
        for _ in range(5):
            assert urllib.request.urlopen(f'http://127.0.0.1:{port}/sub/page', timeout=10).read() == b'deep\n'
    finally:
        forward.stop()


def test_proxies(node, web):
    base = '/api/v1/namespaces/default'
    assert raw(node, f'{base}/pods/web/proxy/') == (200, 'index\n')
    assert raw(node, f'{base}/pods/web/proxy') == (200, 'index\n')   # redirected to the slash
    assert raw(node, f'{base}/pods/web:8080/proxy/sub/page') == (200, 'deep\n')
    assert raw(node, f'{base}/pods/web:8080/proxy/none')[0] == 404
    code, text = raw(node, f'{base}/pods/web:9/proxy/')
    assert code == 503 and json.loads(text)['message'].startswith('error trying to reach service: ')
    assert json.loads(raw(node, f'{base}/pods/ftp:web:1/proxy/')[1])['message'] == 'invalid pod request "ftp:web:1"'
    node.server.kubectl('create', 'service', 'clusterip', 'web', '--tcp=80:8080')
    code, text = raw(node, f'{base}/services/web:80-8080/proxy/')
    assert code in (404, 503)   # no endpoints: nobody makes them here
    endpoints = {'apiVersion': 'v1', 'kind': 'Endpoints', 'metadata': {'name': 'web'}, 'subsets': [
        {'addresses': [{'ip': web['status']['podIP'], 'targetRef': {'kind': 'Pod', 'name': 'web', 'namespace': 'default'}}], 'ports': [{'name': '80-8080', 'port': 8080}]}]}
    node.server.kubectl('create', '-f', '-', stdin=json.dumps(endpoints))
    assert raw(node, f'{base}/services/web:80-8080/proxy/sub/page') == (200, 'deep\n')
    assert raw(node, f'{base}/services/http:web:80/proxy/sub/page') == (200, 'deep\n')
    assert json.loads(raw(node, f'{base}/services/web:81/proxy/')[1])['message'] == 'no service port 81 found for service "web"'
    # The node's address is a loopback one here.
    assert json.loads(raw(node, f'/api/v1/nodes/{node.name}/proxy/pods')[1])['message'] == 'address not allowed'


def test_the_kubelets_own_port(node, web):
    p = node.server.pki.path

    def ask(path, *flags):
        done = subprocess.run(['curl', '-sk', '-w', ' %{http_code}', *flags, f'https://127.0.0.1:10250{path}'], capture_output=True, text=True, timeout=20)
        return done.stdout
    admin = ['--cert', p('admin.crt'), '--key', p('admin.key')]
    assert ask('/pods') == 'Unauthorized 401'
    assert ask('/pods', '-H', 'Authorization: Bearer rubbish') == 'Unauthorized 401'
    assert any(pod['metadata']['name'] == 'web' for pod in json.loads(ask('/pods', *admin)[:-4])['items'])
    assert any(pod['metadata']['name'] == 'web' for pod in json.loads(ask('/runningpods/', *admin)[:-4])['items'])
    assert ask('/healthz', *admin) == 'ok 200'
    assert json.loads(ask('/configz', *admin)[:-4])['kubeletconfig']['kind'] == 'KubeletConfiguration'
    summary = json.loads(ask('/stats/summary', *admin)[:-4])
    assert summary['node']['nodeName'] == node.name and any(pod['podRef']['name'] == 'web' for pod in summary['pods'])
    assert '# TYPE' in ask('/metrics/resource', *admin)
    assert ask('/run/default/web/main?cmd=echo%20hi', '-X', 'POST', *admin) == 'hi\n 200'
    token = node.server.kubectl('create', 'token', 'default').strip()
    assert ask('/healthz', '-H', f'Authorization: Bearer {token}') == 'ok 200'   # everything is allowed on this API server


@pytest.mark.skipif('PEERS' in os.environ, reason='upstream waits for open streams')
def test_open_streams_do_not_hold_the_server_up(node, web):
    """A server that stops ends what leads into pods, and the client is told."""
    child = subprocess.Popen([kubectl_binary(), 'exec', 'web', '-c', 'main', '--', 'sh', '-c', 'echo in; sleep 100'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, 'KUBECONFIG': node.server.kubeconfig})
    assert child.stdout.readline() == 'in\n'
    began = time.monotonic()
    assert node.server.server.stop() == 0
    assert time.monotonic() - began < 5
    assert child.wait(20) != 0
    node.server.processes.clear()
    node.server.start()
