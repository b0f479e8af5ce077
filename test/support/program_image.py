"""An image around one static program, under the name that a project's manifests give it."""
import pathlib
import sys
import tempfile

from .cluster import ROOT

sys.path.insert(0, str(ROOT / 'test/images'))
import oci  # noqa: E402

PASSWD = 'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n'
PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/'


def push_program(registry, image, program, at='/manager', config=None, extra=None):
    """Puts it into a running registry. `image`: its whole name with the tag. `program`: a file, which lands at `at` and is the entry point.
    `config`: more of the image's configuration (User, Env, Cmd, ...), over User 65532. `extra(files)`: puts more files into it."""
    files = oci.Files().copy(at, program, 0o755).directory('tmp', 0o1777).directory('home/nonroot', uid=65532, gid=65532)
    files.text('etc/passwd', PASSWD).text('etc/group', 'root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n')
    if extra:
        extra(files)
    with tempfile.TemporaryDirectory(prefix='pintle-image-') as folder:
        layout = oci.Layout(pathlib.Path(folder))
        layout.put_image(image, [files], {'Entrypoint': [at], 'Env': [PATH], 'User': '65532:65532', **(config or {})})
        layout.save()
        registry.push(images=layout.folder)
