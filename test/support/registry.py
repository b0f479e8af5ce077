"""An image registry on an address of ours, with the images that test/images has built: the Debian package docker-registry,
unpacked and not installed. Nodes reach it through a mirror (nodes.write_mirror), so that every image name is answered here."""
import base64
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

from .cluster import ROOT, Process, free_port

IMAGES = ROOT / 'build/images'


def build_images(which='basic', folder=IMAGES):
    """Builds what is missing; at once where nothing is."""
    done = subprocess.run([sys.executable, str(ROOT / 'test/images/build.py'), str(folder), which], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f'test/images/build.py: {done.stdout}{done.stderr}')
    return folder


def image_archive(path, names):
    """Images of build/images as a tar that `ctr images import` takes."""
    index = json.loads((IMAGES / 'index.json').read_text())
    manifests, blobs = [], set()
    for name in names:
        descriptor = index[name]
        manifests.append({**descriptor, 'annotations': {'io.containerd.image.name': name}})
        manifest = json.loads((IMAGES / 'blobs' / descriptor['digest'].removeprefix('sha256:')).read_text())
        blobs |= {descriptor['digest'], manifest['config']['digest'], *(layer['digest'] for layer in manifest['layers'])}
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path, 'w') as tar:
        for name, content in {'oci-layout': {'imageLayoutVersion': '1.0.0'}, 'index.json': {'schemaVersion': 2, 'manifests': manifests}}.items():
            (pathlib.Path(folder) / name).write_text(json.dumps(content))
            tar.add(pathlib.Path(folder) / name, name)
        for digest in sorted(blobs):
            tar.add(IMAGES / 'blobs' / digest.removeprefix('sha256:'), 'blobs/' + digest.replace(':', '/'))


def repository(name):
    """Where a mirror is asked for an image: 'registry.k8s.io/pause:3.10.2' -> ('pause', '3.10.2')."""
    path, _, tag = name.partition('/')[2].rpartition(':')
    return path, tag


class Registry:
    """`docker-registry` serving at `address` (host:port) with its data in `folder`. `users` (name to password): asks for
    credentials, as a private registry does. `tls` (certificate and key files): speaks HTTPS."""

    def __init__(self, folder=None, address=None, users=None, tls=None, images=IMAGES):
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='pintle-registry-'))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.images = pathlib.Path(images)
        self.address, self.users, self.tls = address or f'127.0.0.1:{free_port()}', users, tls
        self.url = f'{"https" if tls else "http"}://{self.address}'
        self.process = None

    def config(self):
        out = {'version': '0.1', 'log': {'level': 'warn', 'accesslog': {'disabled': True}}, 'storage': {'filesystem': {'rootdirectory': str(self.folder / 'data')}, 'delete': {'enabled': True}},
               'http': {'addr': self.address, 'headers': {'X-Content-Type-Options': ['nosniff']}}}
        if self.users:
            import crypt    # deprecated, and the one bcrypt that Debian 12's Python has
            lines = [f'{name}:{crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}' for name, password in self.users.items()]
            (self.folder / 'htpasswd').write_text('\n'.join(lines) + '\n')
            out['auth'] = {'htpasswd': {'realm': 'test', 'path': str(self.folder / 'htpasswd')}}
        if self.tls:
            out['http']['tls'] = {'certificate': str(self.tls[0]), 'key': str(self.tls[1])}
        return out

    def start(self):
        binary = self.images / 'packages/root/usr/bin/docker-registry'
        if not binary.exists():
            raise RuntimeError(f'{binary} is not there: make images')
        path = self.folder / 'config.json'     # JSON is YAML
        path.write_text(json.dumps(self.config()))
        self.process = Process([str(binary), 'serve', str(path)], self.folder / 'registry.log')
        end = time.monotonic() + 30
        while True:
            try:
                self.request('GET', '/v2/')
                return self
            except (OSError, RuntimeError) as e:
                if self.process.child.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f'the registry does not answer: {e}; its log: {self.process.tail()}') from e
                time.sleep(0.02)

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def request(self, method, path, data=None, headers=(), missing_ok=False):
        """The answer's headers and body."""
        asked = urllib.request.Request(path if path.startswith('http') else self.url + path, data=data, method=method, headers=dict(headers))
        if self.users:
            name, password = next(iter(self.users.items()))
            asked.add_header('Authorization', 'Basic ' + base64.b64encode(f'{name}:{password}'.encode()).decode())
        context = ssl._create_unverified_context() if self.tls else None
        try:
            with urllib.request.urlopen(asked, context=context, timeout=60) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            if missing_ok and e.code == 404:
                return None
            raise RuntimeError(f'{method} {path}: {e.code} {e.read()[:500]!r}') from e

    def push_blob(self, path, digest, content):
        if self.request('HEAD', f'/v2/{path}/blobs/{digest}', missing_ok=True):
            return
        headers, _ = self.request('POST', f'/v2/{path}/blobs/uploads/', data=b'')
        location = headers['Location']
        join = '&' if '?' in location else '?'
        self.request('PUT', f'{location}{join}digest={digest}', content, {'Content-Type': 'application/octet-stream'})

    def push(self, names=None, as_name=None, images=None):
        """Pushes images that test/images has built (or of another layout's folder): all of them, or those named; one may be given another name."""
        images = images or self.images
        index = json.loads((images / 'index.json').read_text())
        for name in names or index:
            if name not in index:
                raise RuntimeError(f'{name} is not built; there are: {", ".join(sorted(index))}')
            path, tag = repository(as_name or name)
            manifest = self.blob(index[name]['digest'], images)
            parts = json.loads(manifest)
            for part in [parts['config'], *parts['layers']]:
                self.push_blob(path, part['digest'], self.blob(part['digest'], images))
            self.request('PUT', f'/v2/{path}/manifests/{tag}', manifest, {'Content-Type': parts['mediaType']})
        return self

    def blob(self, digest, images=None):
        return ((images or self.images) / 'blobs' / digest.removeprefix('sha256:')).read_bytes()

    def remove(self, name):
        """Forgets an image, so that pulls of it fail as NotFound."""
        path, tag = repository(name)
        shutil.rmtree(self.folder / f'data/docker/registry/v2/repositories/{path}/_manifests/tags/{tag}')
