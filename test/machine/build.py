#!/usr/bin/env python3
"""What emulated machines are made of, under a folder: a root with systemd (`root.img`), Debian's kernel (`vmlinuz`) and a start disk that
finds the root (`initrd.gz`). Made once; what a test adds (our binary, images) comes on a disk of its own (machine.py).

    build.py FOLDER        needs root, debootstrap, e2fsprogs, kmod, busybox-static and cpio"""
import gzip
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ('systemd,systemd-sysv,dbus,kmod,udev,iproute2,nftables,iptables,containerd,runc,containernetworking-plugins,procps,'
            'e2fsprogs,xfsprogs,nfs-kernel-server,nfs-common,libsqlite3-0,libisal2,libnghttp2-14,libre2-9,libfmt9,libnftables1,libzstd1,ca-certificates')
SUITE = 'bookworm'
ROOT_SIZE = '3G'
START_MODULES = ['virtio_pci', 'virtio_blk', 'ext4']

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules); do /bin/busybox insmod "/lib/$module"; done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
exec /bin/busybox switch_root /root /sbin/init
"""

# A line of base64 is a command; its answer is one line: its exit status, and its output in base64.
SHELL = """#!/bin/sh
until [ -e /dev/virtio-ports/shell ]; do sleep 0.2; done
exec <>/dev/virtio-ports/shell >&0
echo ready
while read -r line; do
  printf '%s' "$line" | base64 -d > /run/shell.command
  sh /run/shell.command > /run/shell.output 2>&1 < /dev/null
  echo "$? $(base64 -w0 /run/shell.output)"
done
"""
FILES = {
    'usr/local/lib/pintle-shell': SHELL,
    'etc/systemd/system/pintle-shell.service': '[Unit]\nDescription=The test\'s shell\nAfter=systemd-networkd.service opt-payload.mount\n'
                                               '[Service]\nExecStart=/bin/sh /usr/local/lib/pintle-shell\n'
                                               'Restart=always\nKillMode=process\n[Install]\nWantedBy=multi-user.target\n',
    'etc/systemd/network/20-any.network': '[Match]\nName=en*\n[Network]\nDHCP=ipv4\n',
    'etc/fstab': '/dev/vda / ext4 rw 0 1\n/dev/vdb /opt/payload ext4 ro 0 0\n',
    'etc/hostname': 'machine\n',
    'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 machine\n',
    'etc/modules-load.d/test.conf': 'overlay\nbr_netfilter\n',
}
ENABLED = ['etc/systemd/system/pintle-shell.service', 'lib/systemd/system/systemd-networkd.service']


def run(*args, **kw):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, **kw)
    if done.returncode != 0:
        raise RuntimeError(f'{" ".join(map(str, args))}: {done.stdout[-2000:]}{done.stderr[-2000:]}')
    return done.stdout


def say(what):
    print(f'machine: {what}', flush=True)


def mirror():
    """Where this machine's own packages come from."""
    for path in sorted(pathlib.Path('/etc/apt').glob('sources.list.d/*.sources')):
        found = re.search(r'^URIs: *(\S+)', path.read_text(), re.M)
        if found:
            return found[1]
    found = re.search(r'^deb +(?:\[[^]]*\] +)?(\S+)', pathlib.Path('/etc/apt/sources.list').read_text(), re.M)
    return found[1]


def make_kernel(folder, root):
    depends = run('apt-cache', 'depends', 'linux-image-cloud-amd64')
    package = re.search(r'Depends: (linux-image-\S+)', depends)[1]
    work = folder / 'kernel'
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    run('apt-get', 'download', package, cwd=work)
    run('dpkg', '-x', next(work.glob('*.deb')), work)
    version = next((work / 'lib/modules').iterdir()).name
    shutil.copytree(work / 'lib/modules', root / 'usr/lib/modules', dirs_exist_ok=True)
    run('depmod', '-b', root, version)
    shutil.copy(work / f'boot/vmlinuz-{version}', folder / 'vmlinuz')
    shutil.rmtree(work)
    return version


def make_initrd(folder, root, version):
    work = folder / 'initrd'
    shutil.rmtree(work, ignore_errors=True)
    for name in ('bin', 'lib', 'proc', 'sys', 'dev', 'root'):
        (work / name).mkdir(parents=True)
    shutil.copy('/bin/busybox', work / 'bin/busybox')
    modules = []
    for line in run('modprobe', '-d', root, '-S', version, '--show-depends', '-a', *START_MODULES).splitlines():
        kind, path = line.split()[:2]
        name = pathlib.Path(path).name
        if kind == 'insmod' and name not in modules:
            modules.append(name)
            shutil.copy(path, work / 'lib' / name)
    (work / 'modules').write_text('\n'.join(modules) + '\n')
    (work / 'init').write_text(INIT)
    (work / 'init').chmod(0o755)
    names = '\n'.join(str(p.relative_to(work)) for p in sorted(work.rglob('*')))
    packed = subprocess.run(['cpio', '-o', '-H', 'newc', '--quiet'], input=names.encode(), capture_output=True, cwd=work, check=True).stdout
    (folder / 'initrd.gz').write_bytes(gzip.compress(packed, 6))
    shutil.rmtree(work)


def make_root(root):
    run('debootstrap', '--variant=minbase', f'--include={PACKAGES}', SUITE, root, mirror())
    shutil.rmtree(root / 'var/cache/apt', ignore_errors=True)
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    wants = root / 'etc/systemd/system/multi-user.target.wants'
    wants.mkdir(parents=True, exist_ok=True)
    for unit in ENABLED:
        (wants / pathlib.Path(unit).name).symlink_to('/' + unit)
    (root / 'etc/systemd/system/containerd.service').symlink_to('/dev/null')  # pintle server runs its own
    (root / 'opt/payload').mkdir(parents=True, exist_ok=True)


def make_disk(image, root, size):
    image.unlink(missing_ok=True)
    run('mkfs.ext4', '-q', '-d', root, image, size)


def build(folder):
    folder = pathlib.Path(folder).resolve()
    stamp = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()
    done = folder / 'done'
    if done.exists() and done.read_text() == stamp:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / 'root'
    shutil.rmtree(root, ignore_errors=True)
    say('the root: some minutes')
    make_root(root)
    say('the kernel')
    version = make_kernel(folder, root)
    make_initrd(folder, root, version)
    say('the disk')
    make_disk(folder / 'root.img', root, ROOT_SIZE)
    shutil.rmtree(root)
    done.write_text(stamp)
    return folder


if __name__ == '__main__':
    build(sys.argv[1])
