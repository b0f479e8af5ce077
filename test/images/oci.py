"""Container images as content-addressed blobs: layers of files, configurations, manifests. The same files make the same
bytes, whenever and wherever they are built."""
import gzip
import hashlib
import io
import json
import pathlib
import tarfile

LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
CONFIG = 'application/vnd.oci.image.config.v1+json'
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
CREATED = '2026-01-01T00:00:00Z'


class Files:
    """The files of a layer, by path without the leading slash. Directories on the way are made by themselves."""

    def __init__(self):
        self.entries = {}

    def _add(self, path, kind, content=b'', mode=0o644, uid=0, gid=0, link=''):
        path = path.strip('/')
        parent = str(pathlib.PurePosixPath(path).parent)
        if parent != '.' and parent not in self.entries:
            self.directory(parent)
        self.entries[path] = (kind, content, mode, uid, gid, link)
        return self

    def directory(self, path, mode=0o755, uid=0, gid=0):
        return self._add(path, tarfile.DIRTYPE, mode=mode, uid=uid, gid=gid)

    def text(self, path, content, mode=0o644, uid=0, gid=0):
        return self._add(path, tarfile.REGTYPE, content.encode(), mode, uid, gid)

    def copy(self, path, source, mode=None, uid=0, gid=0):
        """`mode`: None keeps the source's."""
        source = pathlib.Path(source)
        return self._add(path, tarfile.REGTYPE, source.read_bytes(), mode if mode is not None else source.stat().st_mode & 0o7777, uid, gid)

    def link(self, path, target):
        return self._add(path, tarfile.SYMTYPE, mode=0o777, link=target)

    def update(self, other):
        self.entries.update(other.entries)
        return self

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(self.entries):
                kind, content, mode, uid, gid, link = self.entries[path]
                info = tarfile.TarInfo(path)
                info.type, info.mode, info.uid, info.gid, info.linkname = kind, mode, uid, gid, link
                info.size = len(content) if kind == tarfile.REGTYPE else 0
                tar.addfile(info, io.BytesIO(content) if kind == tarfile.REGTYPE else None)
        return out.getvalue()


class Layout:
    """A folder of blobs, and of images by name: images/NAME.json is the descriptor of its manifest."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / 'blobs').mkdir(parents=True, exist_ok=True)
        self.index_path = self.folder / 'index.json'
        self.index = json.loads(self.index_path.read_text()) if self.index_path.exists() else {}
        self.layers = {}

    def blob_path(self, digest):
        return self.folder / 'blobs' / digest.removeprefix('sha256:')

    def put(self, media, content):
        digest = 'sha256:' + hashlib.sha256(content).hexdigest()
        path = self.blob_path(digest)
        if not path.exists():
            partial = path.with_suffix('.part')
            partial.write_bytes(content)
            partial.rename(path)
        return {'mediaType': media, 'digest': digest, 'size': len(content)}

    def put_layer(self, files):
        """The layer's descriptor and the digest of its tar; one that was put before is not packed again."""
        if id(files) not in self.layers:
            tar = files.tar()
            packed = self.put(LAYER, gzip.compress(tar, 6, mtime=0))
            self.layers[id(files)] = (packed, 'sha256:' + hashlib.sha256(tar).hexdigest(), files)
        return self.layers[id(files)][:2]

    def put_image(self, name, layers, config):
        """`config` is the image configuration's inner part (Entrypoint, Cmd, Env, User ...)."""
        packed = [self.put_layer(files) for files in layers]
        outer = {'created': CREATED, 'architecture': 'amd64', 'os': 'linux', 'config': config,
                 'rootfs': {'type': 'layers', 'diff_ids': [diff for _, diff in packed]},
                 'history': [{'created': CREATED, 'created_by': 'test/images'} for _ in packed]}
        manifest = {'schemaVersion': 2, 'mediaType': MANIFEST, 'config': self.put(CONFIG, json.dumps(outer, sort_keys=True).encode()),
                    'layers': [descriptor for descriptor, _ in packed]}
        self.index[name] = self.put(MANIFEST, json.dumps(manifest, sort_keys=True).encode())

    def save(self):
        self.index_path.write_text(json.dumps(self.index, indent=1, sort_keys=True))

    def manifest(self, name):
        return json.loads(self.blob_path(self.index[name]['digest']).read_bytes())
