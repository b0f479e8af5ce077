"""One emulated machine: boots build.py's root with a disk of ours beside it, answers commands, and is gone at the end. It reaches nothing but
the host's loopback, and is reached on one port of it: that of its API server."""
import base64
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import build  # noqa: E402
from support.cluster import ROOT, free_port  # noqa: E402
from support.registry import IMAGES, build_images, image_archive  # noqa: E402

BOOT_S = 300
API_PORT = 6443
PAUSE = 'registry.k8s.io/pause'


class Machine:
    """`images`: those that its node is to have besides pause. `swap_mib`: a third disk, swapped to from the start."""

    def __init__(self, binary, parts, images=(), memory_mib=2048, swap_mib=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='pintle-machine-'))
        self.parts, self.memory_mib, self.port = pathlib.Path(parts), memory_mib, free_port()
        payload = self.folder / 'payload'
        payload.mkdir()
        subprocess.run(['strip', '-o', payload / 'pintle', binary], check=True)
        build_images()
        index = json.loads((IMAGES / 'index.json').read_text())
        image_archive(payload / 'images.tar', [*(name for name in index if name.startswith(PAUSE)), *images])
        size_mib = sum(f.stat().st_size for f in payload.iterdir()) * 5 // 4 // 2**20 + 32
        self.disks = [self.folder / 'root.img', self.folder / 'payload.img']
        subprocess.run(['cp', '--sparse=always', self.parts / 'root.img', self.disks[0]], check=True)
        build.make_disk(self.disks[1], payload, f'{size_mib}M')
        if swap_mib:
            self.disks.append(self.folder / 'swap.img')
            with open(self.disks[2], 'wb') as disk:
                disk.truncate(swap_mib * 2**20)
            subprocess.run(['mkswap', '-q', self.disks[2]], check=True)
        self.console = self.folder / 'console.log'
        self.shell = self.process = None

    def start(self):
        path = self.folder / 'shell.socket'
        path.unlink(missing_ok=True)
        args = ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-smp', '2', '-cpu', 'max', '-m', str(self.memory_mib), '-display', 'none',
                '-serial', f'file:{self.console}', '-monitor', 'none', '-no-reboot',
                '-kernel', self.parts / 'vmlinuz', '-initrd', self.parts / 'initrd.gz', '-append', 'console=ttyS0 quiet panic=-1',
                '-nic', f'user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:{API_PORT}',
                '-device', 'virtio-serial-pci', '-chardev', f'socket,id=shell,path={path},server=on,wait=off',
                '-device', 'virtserialport,chardev=shell,name=shell']
        for disk in self.disks:
            args += ['-drive', f'file={disk},if=virtio,format=raw,cache=unsafe']
        self.process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL)
        self.wait(path.exists, 'qemu\'s socket', 20)
        self.shell = socket.socket(socket.AF_UNIX)
        self.shell.connect(str(path))
        self.lines = self.shell.makefile('rb')
        self.shell.settimeout(BOOT_S)
        try:
            while self.lines.readline().strip() != b'ready':
                if self.process.poll() is not None:
                    raise RuntimeError('the machine has ended')
        except (RuntimeError, TimeoutError) as e:
            raise RuntimeError(f'the machine does not start ({e}): {self.console.read_text(errors="replace")[-2000:]}') from e
        return self

    def wait(self, condition, what, timeout_s, pause_s=0.2):
        until = time.monotonic() + timeout_s
        while not condition():
            if self.process.poll() is not None:
                raise RuntimeError(f'the machine ended before {what}')
            if time.monotonic() > until:
                raise TimeoutError(f'{what}: not within {timeout_s} s')
            time.sleep(pause_s)

    def ask(self, command, timeout_s=120):
        """(exit status, output) of a shell command on the machine, as root."""
        self.shell.settimeout(timeout_s)
        self.shell.sendall(base64.b64encode(command.encode()) + b'\n')
        status, _, output = self.lines.readline().strip().partition(b' ')
        return int(status), base64.b64decode(output).decode(errors='replace')

    def run(self, command, timeout_s=120):
        status, output = self.ask(command, timeout_s)
        if status != 0:
            raise RuntimeError(f'{command}: {status}: {output}')
        return output

    def serve(self, *flags, timeout_s=240):
        """`pintle server` as a unit of systemd, its images imported; returns a kubeconfig for the host."""
        unit = 'systemd-run --unit=pintle -p Delegate=yes -p KillMode=process -p Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin'
        self.run(f'{unit} /opt/payload/pintle server --node-name=machine --bind-address=0.0.0.0 --https-listen-port={API_PORT} {" ".join(flags)}')
        config, containerd = '/var/lib/pintle/admin.kubeconfig', '/var/lib/pintle/containerd/containerd.sock'
        self.wait(lambda: self.ask(f'test -s {config}')[0] == 0, 'the administrator\'s kubeconfig', timeout_s, 1)
        self.wait(lambda: self.ask(f'test -S {containerd}')[0] == 0, 'containerd', timeout_s, 1)
        self.wait(lambda: self.ask(f'ctr -a {containerd} -n k8s.io images import /opt/payload/images.tar', 300)[0] == 0, 'the images\' import', timeout_s, 2)
        return self.kubeconfig()

    def kubeconfig(self):
        """The administrator's, for the host."""
        out = self.folder / 'kubeconfig'
        out.touch(0o600)
        out.write_text(re.sub(r'https://[^:\s]+:\d+', f'https://127.0.0.1:{self.port}', self.run('cat /var/lib/pintle/admin.kubeconfig')))
        return out

    def reboot(self, timeout_s=180):
        """By systemd, with all that wants to be done before; qemu ends with it, and the same disks start again. How long that took (s)."""
        began = time.monotonic()
        self.shell.sendall(base64.b64encode(b'systemctl reboot') + b'\n')
        self.process.wait(timeout_s)
        took = time.monotonic() - began
        self.shell.close()
        self.start()
        return took

    def stop(self):
        """As a power cut."""
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.shell:
            self.shell.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def parts():
    return build.build(ROOT / 'build/machine')
