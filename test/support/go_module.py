"""The files of a Go module that test/ecosystem pins: a project's manifests, as it publishes them."""
import json
import pathlib
import shutil
import subprocess

import pytest

from .cluster import ROOT


def module_folder(project, module):
    """Where the go command keeps `module` (read-only) at the version of test/ecosystem/<project>; fetches it if need be."""
    if not shutil.which('go'):
        pytest.skip(f'the go command is not installed: the manifests of {module} are not there')
    done = subprocess.run(['go', 'mod', 'download', '-json', module], cwd=ROOT / 'test/ecosystem' / project, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f'go mod download {module}: {done.stdout}{done.stderr}')
    return pathlib.Path(json.loads(done.stdout)['Dir'])
