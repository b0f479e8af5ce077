"""Starts API servers for tests and benchmarks: Pintle's or upstream's with etcd, on loopback, each in a folder of its own.

Every process started here is ended by its own pid; every port is chosen by the system."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60
# How much slower than usual the build is (with sanitizers: 10): stretches limits of time, and nobody is accused of holding an executor.
SLOWNESS = float(os.environ.get('PINTLE_SLOWNESS', '1'))


def pintle_binary():
    """The binary under test: $PINTLE, or build/pintle."""
    return str(pathlib.Path(os.environ.get('PINTLE', ROOT / 'build/pintle')).resolve())


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def run(*args, **kw):
    """Runs a command, failing with what it printed."""
    done = subprocess.run(args, capture_output=True, text=True, **kw)
    if done.returncode != 0:
        raise RuntimeError(f'{" ".join(args)}: exit status {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


class Pki:
    """A throw-away CA with the certificates and keys that a control plane needs, as files in `folder`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.ca_key = self.path('ca.crt'), self.path('ca.key')
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=test-ca',
            '-keyout', self.path('ca.key'), '-out', self.ca)
        self.issue('server', '/CN=kube-apiserver', 'subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,IP:127.0.0.1,IP:10.96.0.1\nextendedKeyUsage=serverAuth')
        self.issue('admin', '/O=system:masters/CN=admin')
        run('openssl', 'genrsa', '-out', self.path('sa.key'), '2048')
        run('openssl', 'rsa', '-in', self.path('sa.key'), '-pubout', '-out', self.path('sa.pub'))

    @classmethod
    def of(cls, folder, ca, ca_key):
        """Issues in `folder` under a CA that is there already."""
        pki = cls.__new__(cls)
        pki.folder, pki.ca, pki.ca_key = pathlib.Path(folder), ca, ca_key
        pki.folder.mkdir(parents=True, exist_ok=True)
        return pki

    def path(self, name):
        return str(self.folder / name)

    def issue(self, name, subject, extensions='extendedKeyUsage=clientAuth'):
        """Makes NAME.crt and NAME.key, signed by the CA."""
        ext = self.folder / f'{name}.ext'
        ext.write_text(extensions + '\n')
        run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject, '-keyout', self.path(f'{name}.key'),
            '-out', self.path(f'{name}.csr'))
        run('openssl', 'x509', '-req', '-in', self.path(f'{name}.csr'), '-CA', self.ca, '-CAkey', self.ca_key, '-CAserial', self.path('serial'), '-CAcreateserial', '-days', '30',
            '-extfile', str(ext), '-out', self.path(f'{name}.crt'))

    def kubeconfig(self, name, server, user='admin'):
        """Writes a kubeconfig that uses USER.crt, and returns its path."""
        config = {
            'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'test',
            'clusters': [{'name': 'test', 'cluster': {'server': server, 'certificate-authority': self.ca}}],
            'users': [{'name': user, 'user': {'client-certificate': self.path(f'{user}.crt'), 'client-key': self.path(f'{user}.key')}}],
            'contexts': [{'name': 'test', 'context': {'cluster': 'test', 'user': user}}]}
        path = self.path(name)
        pathlib.Path(path).write_text(json.dumps(config))
        os.chmod(path, 0o600)
        return path


class Process:
    """A child process with its output in a file; stop() ends it by its pid."""

    def __init__(self, args, log, env=None):
        self.args, self.log = args, pathlib.Path(log)
        with open(self.log, 'ab') as out:
            self.child = subprocess.Popen(args, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)

    @property
    def pid(self):
        return self.child.pid

    def stop(self, sig=signal.SIGTERM, timeout_s=30):
        """Returns the exit status; a process that does not end in time is killed, and that is an error."""
        if self.child.poll() is None:
            self.child.send_signal(sig)
            try:
                self.child.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise RuntimeError(f'{self.args[0]} did not stop within {timeout_s} s; its log: {self.tail()}')
        return self.child.returncode

    def tail(self, chars=4000):
        return self.log.read_text(errors='replace')[-chars:]

    def rss_mib(self):
        for line in open(f'/proc/{self.pid}/status'):
            if line.startswith('VmRSS:'):
                return int(line.split()[1]) / 1024
        raise RuntimeError('no VmRSS')

    def cpu_s(self):
        fields = open(f'/proc/{self.pid}/stat').read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class ApiServer:
    """An API server with PKI, data and logs under `folder`. `flags` replace or add to the usual ones; `prefix` is a command that ends in
    the server's own (prlimit)."""

    def __init__(self, folder=None, flags=(), binary=None, upstream=None, prefix=()):
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='pintle-test-'))
        self.pki = Pki(self.folder / 'pki')
        self.port = free_port()
        self.url = f'https://127.0.0.1:{self.port}'
        self.kubeconfig = self.pki.kubeconfig('admin.conf', self.url)
        self.flags, self.upstream, self.prefix = list(flags), upstream, list(prefix)
        self.binary = binary or pintle_binary()
        self.processes, self.ready_s = [], None
        self.context = ssl.create_default_context(cafile=self.pki.ca)
        self.context.load_cert_chain(self.pki.path('admin.crt'), self.pki.path('admin.key'))

    def arguments(self):
        p = self.pki.path
        usual = {
            'secure-port': str(self.port), 'bind-address': '127.0.0.1', 'advertise-address': '127.0.0.1', 'tls-cert-file': p('server.crt'), 'tls-private-key-file': p('server.key'),
            'client-ca-file': self.pki.ca, 'service-account-issuer': 'https://kubernetes.default.svc', 'service-account-key-file': p('sa.pub'),
            'service-account-signing-key-file': p('sa.key'), 'service-cluster-ip-range': '10.96.0.0/16', 'authorization-mode': 'Node,RBAC',
            'enable-admission-plugins': 'NodeRestriction', 'allow-privileged': 'true'}
        given = {f.lstrip('-').split('=')[0] for f in self.flags}
        return [f'--{k}={v}' for k, v in usual.items() if k not in given] + self.flags

    def start(self):
        """Starts the server and returns once /readyz answers ok; ready_s is how long that took."""
        if self.upstream:
            args = [str(pathlib.Path(self.upstream) / 'kube-apiserver'), *self.arguments(), f'--etcd-servers={self.start_etcd()}']
        else:
            args = [*self.prefix, self.binary, 'kube-apiserver', *self.arguments(), f'--data-dir={self.folder}/data']
        began = time.monotonic()
        self.server = Process(args, self.folder / 'apiserver.log')
        self.processes.append(self.server)
        self.wait_ready()
        self.ready_s = time.monotonic() - began
        return self

    def start_etcd(self):
        client, peer = free_port(), free_port()
        url = f'http://127.0.0.1:{client}'
        etcd = Process([str(pathlib.Path(self.upstream) / 'etcd'), '--data-dir', f'{self.folder}/etcd', '--listen-client-urls', url, '--advertise-client-urls', url,
                        '--listen-peer-urls', f'http://127.0.0.1:{peer}', '--initial-advertise-peer-urls', f'http://127.0.0.1:{peer}',
                        '--initial-cluster', f'default=http://127.0.0.1:{peer}'], self.folder / 'etcd.log')
        self.processes.append(etcd)
        wait_for(lambda: urllib.request.urlopen(url + '/health', timeout=2).status == 200, 'etcd health', etcd)
        return url

    def wait_ready(self):
        wait_for(lambda: self.get('/readyz') == b'ok', 'readyz', self.server, pause_s=0.005)

    def get(self, path, timeout_s=10):
        with urllib.request.urlopen(urllib.request.Request(self.url + path), context=self.context, timeout=timeout_s) as answer:
            return answer.read()

    def status(self, path):
        """The status that a GET is answered with."""
        try:
            self.get(path)
            return 200
        except urllib.error.HTTPError as e:
            return e.code

    def check_held(self):
        """No step has held an executor for over 100 ms of processor time."""
        if SLOWNESS > 1:
            return
        held = sum_of_metric(self.get('/metrics').decode(), 'pintle_executor_held_total')
        assert held == 0, f'an executor was held {held} times: {held_lines(self.server.log.read_text(errors="replace"))}'

    def kubectl(self, *args, stdin=None, check=True):
        """Runs kubectl; returns standard output, or the whole result with check=False."""
        env = {**os.environ, 'KUBECONFIG': self.kubeconfig, 'HOME': str(self.folder), 'KUBECTL_KYAML': 'false'}
        done = subprocess.run([kubectl_binary(), *args], input=stdin, capture_output=True, text=True, env=env, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f'kubectl {" ".join(args)}: exit status {done.returncode}\n{done.stdout}{done.stderr}\nserver: {self.server.tail(1500)}')
        return done.stdout if check else done

    def stop(self):
        """Ends the processes, youngest first; a crash or an unclean end is an error."""
        statuses = [(p.args[0], p.stop()) for p in reversed(self.processes)]
        self.processes = []
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
        if not self.upstream:
            assert statuses[0][1] == 0, f'{statuses[0][0]} ended with {statuses[0][1]}'

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            with contextlib.suppress(Exception):
                self.stop()
            raise

    def __exit__(self, *_):
        self.stop()


def sum_of_metric(page, name):
    """Over all series on a page of /metrics; None where there is none."""
    values = re.findall(rf'^{name}(?:{{[^}}]*}})? (\S+)$', page, re.M)
    return sum(map(float, values)) if values else None


def held_lines(log):
    """What the log says of steps that held an executor, the last ones."""
    return [line for line in log.splitlines() if 'A step held an executor' in line][-5:]


def kubectl_binary():
    """The kubectl that test/peers has built, else the one on the PATH, else one that is built now."""
    built = ROOT / 'build/peers/kubectl'
    found = str(built) if built.exists() else shutil.which('kubectl')
    if not found:
        run(str(ROOT / 'test/peers/build'), str(ROOT / 'build/peers'), 'kubectl')
    return found or str(built)


def wait_for(condition, what, process=None, timeout_s=START_TIMEOUT_S, pause_s=0.02):
    """Asks `condition` until it is true. Ends early, with the log, when `process` has ended."""
    deadline, last = time.monotonic() + timeout_s, None
    while time.monotonic() < deadline:
        if process is not None and process.child.poll() is not None:
            raise RuntimeError(f'{process.args[0]} ended with {process.child.returncode} before {what}:\n{process.tail()}')
        try:
            if condition():
                return
        except Exception as e:  # not up yet
            last = e
        time.sleep(pause_s)
    raise RuntimeError(f'{what}: not true after {timeout_s} s (last error: {last})' + (f'\n{process.tail()}' if process else ''))
