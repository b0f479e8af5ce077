"""Join tokens end: by themselves, by command, and for whoever comes late."""
import datetime
import json
import re
import ssl
import subprocess

from support.cluster import pintle_binary, run, wait_for
from support.hostile import BoundedCluster, User

TOKEN = re.compile(r'[a-z0-9]{6}\.[a-z0-9]{16}\n')
SELF = '/apis/authentication.k8s.io/v1/selfsubjectreviews'


def token_command(cluster, *args, fails=False):
    done = subprocess.run([pintle_binary(), 'token', *args, f'--data-dir={cluster.data}'], capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def status_with(cluster, token):
    """What a holder of the token is answered."""
    context = ssl.create_default_context(cafile=cluster.ca)
    user = User('token', (), context, headers={'Authorization': f'Bearer {token.strip()}'})
    return cluster.ask(user, 'POST', SELF, {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'SelfSubjectReview'}).status


def secret(cluster, token):
    return cluster.ask(cluster.admin, 'GET', f'/api/v1/namespaces/kube-system/secrets/bootstrap-token-{token[:6]}')


def first_token(cluster):
    path = cluster.data / 'token'
    wait_for(path.exists, 'the join token', cluster.process)
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text().strip()


def seconds_left(row):
    end = datetime.datetime.fromisoformat(row.split()[2].replace('Z', '+00:00'))
    return (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def row_of(cluster, token):
    rows = [line for line in token_command(cluster, 'list').splitlines() if line.startswith(token.strip())]
    return rows[0] if rows else ''


def test_a_token_is_made_shown_and_ended(bounded_cluster):
    token = token_command(bounded_cluster, 'create', '--description=for the lab')
    assert TOKEN.fullmatch(token) and status_with(bounded_cluster, token) == 201
    row = row_of(bounded_cluster, token)
    assert 'for the lab' in row and 'system:bootstrappers:kubeadm:default-node-token' in row and 24 * 3600 - 120 < seconds_left(row) <= 24 * 3600
    assert token_command(bounded_cluster, 'delete', token[:6]) == f'bootstrap token "{token[:6]}" deleted\n'
    wait_for(lambda: status_with(bounded_cluster, token) == 401, 'the token is refused', bounded_cluster.process)
    assert row_of(bounded_cluster, token) == ''
    assert 'there is no token' in token_command(bounded_cluster, 'delete', token[:6], fails=True)


def test_flags_of_create(bounded_cluster):
    wanted = 'abc123.0123456789abcdef'
    assert token_command(bounded_cluster, 'create', wanted, '--ttl=1h', '--usages=authentication', '--groups=system:bootstrappers:lab') == wanted + '\n'
    row = row_of(bounded_cluster, wanted)
    assert 'system:bootstrappers:lab' in row and 'signing' not in row and 3500 < seconds_left(row) <= 3600
    assert 'exists already' in token_command(bounded_cluster, 'create', wanted, fails=True)
    command = token_command(bounded_cluster, 'create', '--print-join-command')
    assert re.fullmatch(rf'pintle agent --server=https://127\.0\.0\.1:{bounded_cluster.port} --token={TOKEN.pattern}', command)
    assert '<forever>' in row_of(bounded_cluster, token_command(bounded_cluster, 'create', '--ttl=0'))
    for wrong in (['--groups=system:masters'], ['--usages=everything'], ['--ttl=-1h'], ['short'], ['--ttl=soon'], [wanted, wanted]):
        assert token_command(bounded_cluster, 'create', *wrong, fails=True).startswith('pintle token create: '), wrong
    assert token_command(bounded_cluster, 'delete', '../secrets', fails=True)
    assert token_command(bounded_cluster, 'delete', fails=True)


def test_a_token_ends_by_itself(bounded_cluster):
    token = token_command(bounded_cluster, 'create', '--ttl=8s')
    assert status_with(bounded_cluster, token) == 201
    wait_for(lambda: status_with(bounded_cluster, token) == 401, 'the token is refused', bounded_cluster.process, timeout_s=30)
    wait_for(lambda: secret(bounded_cluster, token).status == 404, 'the token is removed', bounded_cluster.process, timeout_s=30)


def test_the_first_token_is_good_for_a_day(bounded_cluster):
    token = first_token(bounded_cluster)
    assert status_with(bounded_cluster, token) == 201
    assert 23 * 3600 < seconds_left(row_of(bounded_cluster, token)) <= 24 * 3600


def test_help():
    assert re.search(r'^  token +\S', run(pintle_binary(), '--help'), re.M)
    text = run(pintle_binary(), 'token', '--help')
    assert all(verb in text for verb in ('create', 'list', 'delete'))
    assert all(flag in run(pintle_binary(), 'token', 'create', '--help') for flag in ('--ttl', '--description', '--groups', '--usages', '--print-join-command', '--kubeconfig', '--data-dir', '24h0m0s'))
    for verb in ('list', 'delete'):
        assert '--data-dir' in run(pintle_binary(), 'token', verb, '--help')
    for args in ([], ['revoke']):
        assert subprocess.run([pintle_binary(), 'token', *args], capture_output=True).returncode == 1


def restart(cluster, *flags):
    """The same data, another process."""
    assert cluster.process.stop() == 0
    cluster.args = [a for a in cluster.args if not a.startswith('--token')] + list(flags)
    cluster.process = type(cluster.process)(cluster.args, cluster.folder / 'pintle.log')
    wait_for(lambda: cluster.ask(cluster.admin, 'GET', '/readyz').body == b'ok', 'readyz', cluster.process)


def test_the_first_token_ends_and_is_not_made_again():
    with BoundedCluster(flags=['--token-ttl=5s']) as cluster:
        token = first_token(cluster)
        wait_for(lambda: secret(cluster, token).status == 404, 'the token is removed', cluster.process, timeout_s=30)
        restart(cluster)
        wait_for(lambda: not (cluster.data / 'token').exists(), 'the file of a dead token is gone', cluster.process)
        assert status_with(cluster, token) == 401
        assert json.loads(secret(cluster, token).body)['reason'] == 'NotFound'
        assert status_with(cluster, token_command(cluster, 'create')) == 201


def test_a_token_of_before_tokens_ended():
    """An installation whose token was good for ever: its next start gives it an end."""
    with BoundedCluster(flags=['--token-ttl=0']) as cluster:
        token = first_token(cluster)
        wait_for(lambda: '<forever>' in row_of(cluster, token), 'a token without an end', cluster.process)
        restart(cluster)
        wait_for(lambda: '<forever>' not in row_of(cluster, token), 'an end', cluster.process)
        assert seconds_left(row_of(cluster, token)) <= 24 * 3600
        assert first_token(cluster) == token
