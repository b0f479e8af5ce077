"""Network namespaces for tests of packets: the test process itself moves into one, so that nothing it starts can reach this
machine's network, and runs small servers and clients in others that hang on it."""
import contextlib
import ctypes
import os
import pathlib
import socket
import subprocess
import sys
import threading

from .cluster import run

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def own_network():
    """This thread, and every process it starts, in a new empty namespace; afterwards back where it was."""
    with open('/proc/thread-self/ns/net') as before:
        _check(_libc.unshare(CLONE_NEWNET))
        try:
            run('ip', 'link', 'set', 'lo', 'up')
            yield
        finally:
            _check(_libc.setns(before.fileno(), CLONE_NEWNET))


def inside(namespace, function, *args):
    """function(*args), run by a thread in the namespace; None: where this thread is."""
    if namespace is None:
        return function(*args)
    result, failure = [], []

    def enter():
        try:
            with open(f'/run/netns/{namespace}') as there:
                _check(_libc.setns(there.fileno(), CLONE_NEWNET))
            result.append(function(*args))
        except BaseException as e:  # handed to the caller
            failure.append(e)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


class Host:
    """A namespace with one link to this one."""

    def __init__(self, name, address, gateway, bridge=None):
        self.name, self.address, self.gateway, self.bridge = name, address.split('/')[0], gateway, bridge
        self.prefixed = address
        self.children = []

    def up(self, link):
        subprocess.run(['ip', 'netns', 'delete', self.name], capture_output=True)
        run('ip', 'netns', 'add', self.name)
        run('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', self.name)
        if self.bridge:
            run('ip', 'link', 'set', link, 'master', self.bridge)
            run('bridge', 'link', 'set', 'dev', link, 'hairpin', 'on')
        run('ip', 'link', 'set', link, 'up')
        six = ':' in self.address
        self.command('ip', 'link', 'set', 'lo', 'up')
        self.command('ip', 'addr', 'add', self.prefixed, 'dev', 'eth0', *(['nodad'] if six else []))
        self.command('ip', 'link', 'set', 'eth0', 'up')
        self.command('ip', *(['-6'] if six else []), 'route', 'add', 'default', 'via', self.gateway)
        return self

    def command(self, *args):
        return run('nsenter', f'--net=/run/netns/{self.name}', *args)

    def serve(self, port=8080, protocols='tcp,udp'):
        """Answers each connection and datagram with "NAME CLIENT-ADDRESS"."""
        child = subprocess.Popen(['nsenter', f'--net=/run/netns/{self.name}', sys.executable, str(pathlib.Path(__file__).with_name('responder.py')), self.name, str(port), protocols],
                                 stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == 'ready\n'
        self.children.append(child)
        return child

    def down(self):
        for child in self.children:
            child.kill()
            child.wait()
            child.stdout.close()
        self.children = []
        subprocess.run(['ip', 'netns', 'delete', self.name], capture_output=True)


def ask(address, port, protocol='tcp', timeout_s=1.0, source_port=0):
    """(name, client address) as the responder saw it; 'refused' or 'timeout' where there is no answer."""
    kind = {'tcp': socket.SOCK_STREAM, 'udp': socket.SOCK_DGRAM}[protocol]
    with socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, kind) as s:
        s.settimeout(timeout_s)
        if source_port:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('::' if ':' in address else '0.0.0.0', source_port))
        try:
            s.connect((address, port))
            s.sendall(b'?')
            answer = s.recv(200).decode()
        except TimeoutError:
            return 'timeout'
        except ConnectionRefusedError:
            return 'refused'
        return tuple(answer.split(' ')) if answer else 'closed'
