"""Programs that give credentials for registries (--image-credential-provider-config), and Docker's file of the node, against private registries."""
import json
import os
import pathlib
import subprocess
import tempfile

import pytest
import yaml
from support.cluster import pintle_binary, wait_for
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true, mirror_of
from support.registry import Registry, build_images

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

USERS = {'alice': 'secret', 'bob': 'other'}
V1 = 'credentialprovider.kubelet.k8s.io/v1'
# Says whose account asks: the account's annotation names the user. Notes each request.
PROGRAM = """#!/usr/bin/env python3
import json, os, sys
request = json.load(sys.stdin)
with open(os.environ['NOTES'], 'a') as notes:
    notes.write(json.dumps({'arguments': sys.argv[1:], **request}) + '\\n')
users = %r
user = request.get('serviceAccountAnnotations', {}).get('example.com/user', os.environ['USER_OF_ALL'])
print(json.dumps({'kind': 'CredentialProviderResponse', 'apiVersion': request['apiVersion'], 'cacheKeyType': 'Registry', 'cacheDuration': '1h',
                  'auth': {'*.example.com': {'username': user, 'password': users.get(user, '')}}}))
""" % USERS


def provider(name, image, notes, **more):
    return {'name': name, 'matchImages': [image], 'defaultCacheDuration': '5m', 'apiVersion': V1, 'args': ['get', name],
            'env': [{'name': 'NOTES', 'value': str(notes)}, {'name': 'USER_OF_ALL', 'value': 'alice'}], **more}


@pytest.fixture(scope='module')
def node():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='pintle-credentials-'))
    notes = folder / 'notes'
    notes.touch()
    (folder / 'bin').mkdir()
    for name in ('of-all', 'of-accounts'):
        (folder / 'bin' / name).write_text(PROGRAM)
        (folder / 'bin' / name).chmod(0o755)
    wanted = {'serviceAccountTokenAudience': 'registry', 'cacheType': 'ServiceAccount', 'requireServiceAccount': True,
              'requiredServiceAccountAnnotationKeys': ['example.com/user']}
    config = {'apiVersion': 'kubelet.config.k8s.io/v1', 'kind': 'CredentialProviderConfig', 'providers': [
        provider('of-all', 'all.example.com', notes), provider('of-accounts', 'accounts.example.com/team', notes, tokenAttributes=wanted)]}
    (folder / 'config.yaml').write_text(yaml.safe_dump(config))
    flags = [f'--image-credential-provider-config={folder}/config.yaml', f'--image-credential-provider-bin-dir={folder}/bin']
    with own_network(), KubeletNode(flags=flags, config={'readOnlyPort': 10255}) as n, Registry(images=build_images(), users=USERS) as private:
        for host in ('all', 'accounts', 'file'):
            private.push(['registry.k8s.io/pause:3.10.2'], as_name=f'{host}.example.com/team/{host}:1')
            mirror_of(n.folder / 'mirror', f'{host}.example.com', private.url)
        n.notes = notes
        yield n
        assert n.kubelet.child.poll() is None, n.kubelet.tail()


def requests(node, image):
    return [r for r in map(json.loads, node.notes.read_text().splitlines()) if r['image'] == image]


def account(node, name, user=None):
    node.server.kubectl('create', 'serviceaccount', name, check=False)
    if user:
        node.server.kubectl('annotate', 'serviceaccount', name, '--overwrite', f'example.com/user={user}')


def outcome(node, image, service_account='default', policy='IfNotPresent'):
    """Running, or why the pod waits."""
    pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'app'}, 'spec': {
        'nodeName': node.name, 'terminationGracePeriodSeconds': 0, 'automountServiceAccountToken': False, 'serviceAccountName': service_account,
        'containers': [{'name': 'main', 'image': image, 'imagePullPolicy': policy}]}}
    kubectl = node.server.kubectl
    kubectl('create', '-f', '-', stdin=json.dumps(pod))

    def known():
        now = json.loads(kubectl('get', 'pod', 'app', '-o', 'json'))
        for status in now['status'].get('containerStatuses', []):
            reason = status['state'].get('waiting', {}).get('reason')
            if reason in ('ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull'):
                return reason
        return now['status'].get('phase') if now['status'].get('phase') == 'Running' else None
    try:
        return await_true(f'a pod of {image}', known, timeout_s=40)
    finally:
        kubectl('delete', 'pod', 'app', '--wait=false')
        wait_for(lambda: kubectl('get', 'pod', 'app', check=False).returncode != 0, 'the pod goes', timeout_s=40)


def test_a_program_gives_every_pod_its_credentials(node):
    image = 'all.example.com/team/all:1'
    for policy in ('Always', 'IfNotPresent', 'Never', 'Always'):
        assert outcome(node, image, policy=policy) == 'Running'
    asked = requests(node, 'all.example.com/team/all')
    assert len(asked) == 1, 'the answer holds for an hour'
    assert asked[0] == {'arguments': ['get', 'of-all'], 'apiVersion': V1, 'kind': 'CredentialProviderRequest', 'image': 'all.example.com/team/all'}


def test_a_program_answers_for_an_account(node):
    image = 'accounts.example.com/team/accounts:1'
    for name, user in (('alice', 'alice'), ('mallory', 'mallory'), ('nobody', None)):
        account(node, name, user)
    assert outcome(node, image, 'nobody') in ('ErrImagePull', 'ImagePullBackOff')
    assert requests(node, 'accounts.example.com/team/accounts') == [], 'without the annotation the program is not for it'
    assert outcome(node, image, 'alice') == 'Running'
    asked = requests(node, 'accounts.example.com/team/accounts')
    assert len(asked) == 1 and asked[0]['serviceAccountAnnotations'] == {'example.com/user': 'alice'}
    claims = json.loads(node.server.kubectl('create', 'token', 'alice', '--audience=registry', '-o', 'json'))
    assert claims['spec']['audiences'] == ['registry'] and asked[0]['serviceAccountToken'].count('.') == 2
    # The image is there, and another account's: who cannot pull it does not get it, now or after a restart.
    for _ in range(2):
        assert outcome(node, image, 'mallory') in ('ErrImagePull', 'ImagePullBackOff')
        assert outcome(node, image, 'nobody', 'Never') == 'ErrImageNeverPull'
        assert outcome(node, image, 'alice', 'Never') == 'Running'
        node.stop_kubelet()
        node.start_kubelet()
    text = ''.join(record.read_text() for record in (node.folder / 'kubelet/image_manager/pulled').iterdir())
    assert '"kubernetesServiceAccounts":[{"uid":' in text and 'secret"' not in text, text


def test_dockers_file_of_the_node(node):
    image = 'file.example.com/team/file:1'
    assert outcome(node, image) in ('ErrImagePull', 'ImagePullBackOff')
    (node.folder / 'kubelet/config.json').write_text(json.dumps({'auths': {'file.example.com': {'username': 'bob', 'password': 'other'}}}))
    node.stop_kubelet()
    node.start_kubelet()
    assert outcome(node, image) == 'Running'


def test_metrics_tell_of_programs(node):
    import urllib.request
    text = urllib.request.urlopen('http://127.0.0.1:10255/metrics', timeout=10).read().decode()
    assert 'kubelet_credential_provider_config_info{hash="sha256:' in text


@pytest.mark.parametrize('broken, why', [
    ({'providers': []}, 'at least one is required'),
    ({'providers': [{**provider('absent', 'x', ''), 'name': 'absent'}]}, 'bin/absent: is no program'),
    ({'providers': [provider('../of-all', 'x', '')]}, "no file's name"),
    ({'providers': [{**provider('of-all', 'x', ''), 'bogus': 1}]}, 'bogus'),
    ({'kind': 'Config', 'providers': []}, 'must be kind CredentialProviderConfig'),
])
def test_a_broken_configuration_ends_the_start(tmp_path, broken, why):
    (tmp_path / 'bin').mkdir()
    (tmp_path / 'bin/of-all').write_text(PROGRAM)
    (tmp_path / 'bin/of-all').chmod(0o755)
    (tmp_path / 'config.yaml').write_text(yaml.safe_dump({'apiVersion': 'kubelet.config.k8s.io/v1', 'kind': 'CredentialProviderConfig', **broken}))
    done = subprocess.run([pintle_binary(), 'kubelet', f'--root-dir={tmp_path}/root', '--hostname-override=n', '--fail-swap-on=false',
                           f'--image-credential-provider-config={tmp_path}/config.yaml', f'--image-credential-provider-bin-dir={tmp_path}/bin'],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and 'configuration of credential providers' in done.stderr and why in done.stderr, done.stderr
