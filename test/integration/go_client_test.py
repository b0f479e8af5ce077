"""client-go, unmodified, over JSON and over protobuf: informers, typed writes, apply, scale, leader election."""
import pathlib
import shutil
import subprocess

import pytest

from support.cluster import ROOT

PROGRAM = ROOT / 'build/peers/clientgo'


@pytest.fixture(scope='module')
def program():
    if not PROGRAM.exists():
        if not shutil.which('go'):
            pytest.skip('the go command is not installed: client-go is not tried')
        PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['go', 'build', '-o', str(PROGRAM), '.'], cwd=pathlib.Path(__file__).parent / 'clientgo', check=True)
    return str(PROGRAM)


@pytest.mark.parametrize('encoding', ['json', 'protobuf'])
def test_an_operators_day(program, server, ns, encoding):
    done = subprocess.run([program, '-kubeconfig', server.kubeconfig, '-namespace', ns.name, *(['-proto'] if encoding == 'protobuf' else [])],
                          capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, 'ok\n'), done.stderr
