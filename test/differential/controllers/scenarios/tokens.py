"""Tokens of service accounts that Secrets keep."""
import base64
import json
import time

ACCOUNT, UID = 'kubernetes.io/service-account.name', 'kubernetes.io/service-account.uid'


def _decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


def _secret(c, name='t', account='bot', more=''):
    return c.make(f'{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, annotations: {{{ACCOUNT}: {account}{more}}}}}, type: kubernetes.io/service-account-token}}')


def _account(c, name='bot', more=''):
    return c.make(f'{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}}}{more}}}')


def _filled(c, name='t'):
    return c.wait(lambda: (c.get('Secret', name) or {}).get('data', {}).get('token'), 'a token')


def _tell(c, account, name='t'):
    """Notes all of the Secret that is not drawn."""
    secret = c.get('Secret', name)
    if secret is None:
        c.observe('no secret')
        return
    data = {key: base64.b64decode(value).decode() for key, value in secret.get('data', {}).items()}
    header, claims = (_decoded(part) for part in data['token'].split('.')[:2]) if 'token' in data else ({}, {})
    claims = {key: 'the uid' if value == account['metadata']['uid'] else value for key, value in claims.items()}
    c.observe({'keys': sorted(data), 'namespace': data.get('namespace'), 'ca': data.get('ca.crt', '')[:27], 'header': sorted(header), 'alg': header.get('alg'), 'claims': claims,
               'uid': secret['metadata']['annotations'].get(UID) == account['metadata']['uid'], 'labels': secret['metadata'].get('labels'),
               'managers': sorted((one['manager'], one['operation'], json.dumps(one['fieldsV1'], sort_keys=True)) for one in secret['metadata']['managedFields'] if one['manager'].startswith('kube-'))})


def a_secret_is_filled(c):
    account = _account(c)
    _secret(c)
    _filled(c)
    _tell(c, account)


def what_is_taken_out_comes_back(c):
    account = _account(c)
    _secret(c)
    _filled(c)
    c.patch('Secret', 't', {'data': {'ca.crt': base64.b64encode(b'other').decode(), 'namespace': None, 'token': None, 'own': 'eA=='}})
    _filled(c)
    _tell(c, account)


def a_uid_that_is_taken_out_stays_out(c):
    account = _account(c)
    _secret(c)
    _filled(c)
    c.patch('Secret', 't', {'metadata': {'annotations': {UID: None}}})
    c.settle()
    _tell(c, account)


def without_its_account(c):
    _secret(c)
    c.wait(lambda: c.get('Secret', 't') is None, 'it goes')


def of_another_account_of_that_name(c):
    _account(c)
    _secret(c, more=f', {UID}: 00000000-0000-4000-8000-000000000001')
    c.wait(lambda: c.get('Secret', 't') is None, 'it goes')


def the_account_goes(c):
    _account(c)
    _secret(c)
    _secret(c, 'u')
    _filled(c)
    _filled(c, 'u')
    c.delete('ServiceAccount', 'bot')
    c.wait(lambda: c.get('Secret', 't') is None and c.get('Secret', 'u') is None, 'they go')


def the_secret_goes_from_the_accounts_list(c):
    _account(c, more=', secrets: [{name: t}, {name: kept}]')
    _secret(c)
    _filled(c)
    c.delete('Secret', 't')
    c.wait(lambda: [s['name'] for s in c.get('ServiceAccount', 'bot')['secrets']] == ['kept'], 'the list is shorter')


def an_account_gets_no_secret_unasked(c):
    _account(c)
    c.settle()
    c.observe([s['metadata']['name'] for s in c.list('Secret')])


def its_use_is_noted(c):
    account = _account(c)
    _secret(c)
    _filled(c)
    token = base64.b64decode(c.get('Secret', 't')['data']['token']).decode()
    review = {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenReview', 'spec': {'token': token}}
    user = c.client.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)['status'].get('user', {})
    c.observe((user.get('username'), user.get('groups'), user.get('uid') == account['metadata']['uid']))
    today = time.strftime('%Y-%m-%d', time.gmtime())
    c.wait(lambda: (c.get('Secret', 't')['metadata'].get('labels') or {}).get('kubernetes.io/legacy-token-last-used', '') >= today, 'its day is noted')
    c.patch('Secret', 't', {'metadata': {'labels': {'kubernetes.io/legacy-token-invalid-since': today}}})
    c.observe(c.client.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)['status'].get('authenticated'))
