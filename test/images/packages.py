"""Programs out of Debian packages, without installing them: the packages are kept as files, unpacked into a folder of
their own, and a program is taken from there with the libraries that it loads."""
import os
import pathlib
import re
import subprocess

PACKAGES = ['busybox-static', 'bash-static', 'nginx', 'nginx-light', 'bind9-dnsutils', 'bind9-host', 'curl', 'netcat-openbsd', 'iproute2', 'iperf', 'libc-bin', 'stress', 'docker-registry']
LIBRARY_FOLDERS = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib', 'lib']


def run(*args, **kw):
    done = subprocess.run(args, capture_output=True, text=True, **kw)
    if done.returncode != 0:
        raise SystemExit(f'images: {" ".join(args)}: exit status {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


class Packages:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.debs, self.root = self.folder / 'debs', self.folder / 'root'

    def fetch(self):
        """Downloads what is missing: the packages, and of those they need what this machine does not have. False: nothing."""
        if all(list(self.debs.glob(f'{name}_*.deb')) for name in PACKAGES):
            return False
        (self.debs / 'partial').mkdir(parents=True, exist_ok=True)
        print('images: downloading packages', flush=True)
        run('apt-get', 'install', '--download-only', '--reinstall', '--no-install-recommends', '-y', '-q', '-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root',
            '-o', f'Dir::Cache::archives={self.debs.resolve()}', *PACKAGES)
        return True

    def unpack(self):
        done = self.folder / 'root.done'
        debs = sorted(self.debs.glob('*.deb'))
        listed = '\n'.join(d.name for d in debs)
        if done.exists() and done.read_text() == listed:
            return
        self.root.mkdir(parents=True, exist_ok=True)
        for deb in debs:
            run('dpkg', '-x', str(deb), str(self.root))
        done.write_text(listed)

    def file(self, *candidates):
        for candidate in candidates:
            path = self.root / candidate
            if path.exists():
                return path
        raise SystemExit(f'images: no package has {" or ".join(candidates)}')

    def libraries(self, program):
        """The shared objects that a program loads, by the path under which the loader looks for each."""
        folders = ':'.join(str(self.root / folder) for folder in LIBRARY_FOLDERS)
        out = run('ldd', str(program), env={**os.environ, 'LD_LIBRARY_PATH': folders, 'LC_ALL': 'C'})
        found = {}
        for line in out.splitlines():
            if 'not found' in line:
                raise SystemExit(f'images: {program}: {line.strip()}')
            by_name = re.match(r'\s*(\S+) => (/\S+)', line)
            by_path = re.match(r'\s*(/\S+) \(', line)
            if by_name:
                found[f'lib/x86_64-linux-gnu/{by_name[1]}'] = os.path.realpath(by_name[2])
            elif by_path:
                found[by_path[1].lstrip('/')] = os.path.realpath(by_path[1])
        return found

    def add_program(self, files, path, *candidates):
        """A program at `path` of the image, with its libraries; `candidates` are its paths in the packages."""
        source = self.file(*candidates)
        files.copy(path, source, 0o755)
        for target, library in self.libraries(source).items():
            files.copy(target, library, 0o755)
