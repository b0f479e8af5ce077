"""Definitions of custom resources: what their rules may say, whose names they are, and how they go with thousands of objects, under watches and over a
restart. The same tests run against upstream's server where build/peers has it."""
import concurrent.futures
import json
import time
import urllib.request

import pytest
from support.cluster import ApiServer
from support.custom_resources import CRDS, Client, Watch
from support.nodes import await_true
from support.peers import PEERS, lacking

GROUP = 'life.example.com'
TEXT = {'type': 'string'}


def definition(plural, kind=None, scope='Namespaced', spec=None, **names):
    kind = kind or plural[:-1].capitalize()
    schema = {'type': 'object', 'properties': {'spec': spec or {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{plural}.{GROUP}'},
            'spec': {'group': GROUP, 'scope': scope, 'names': {'plural': plural, 'singular': plural[:-1], 'kind': kind, 'listKind': kind + 'List', **names},
                     'versions': [{'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': schema}}]}}


def path(plural, name=''):
    return f'/apis/{GROUP}/v1/namespaces/default/{plural}' + (f'/{name}' if name else '')


def thing(name, kind, **spec):
    return {'apiVersion': f'{GROUP}/v1', 'kind': kind, 'metadata': {'name': name}, 'spec': spec}


def condition(crd, kind):
    return next((c for c in crd.get('status', {}).get('conditions') or [] if c['type'] == kind), {})


@pytest.fixture(scope='module', params=['pintle', 'upstream'])
def server(request):
    if request.param == 'upstream' and lacking('kube-apiserver', 'etcd'):
        pytest.skip(lacking('kube-apiserver', 'etcd'))
    with ApiServer(upstream=PEERS if request.param == 'upstream' else None) as s:
        yield s
        if not s.upstream:
            s.check_held()


@pytest.fixture
def call(server):
    return Client(server)


def ruled(rule, properties=None, **more):
    return {'type': 'object', 'properties': properties or {'a': TEXT}, 'x-kubernetes-validations': [{'rule': rule, **more}]}


ROOT = 'spec.validation.openAPIV3Schema'
RULE = f'{ROOT}.properties[spec].x-kubernetes-validations[0]'
TEXTS = {'a': {'type': 'array', 'items': TEXT}}
OVER = 'exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'
# What is wrong: (field, part of the message) of each cause.
BROKEN = {
    'undefined': (ruled('self.b < 1'), [(f'{RULE}.rule', '{"Rule":"self.b \\u003c 1","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: '
                                                           "compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b < 1\n | ....^")]),
    'no bool': (ruled('self.a'), [(f'{RULE}.rule', 'cel expression must evaluate to a bool')]),
    'types': (ruled('self.a == 1'), [(f'{RULE}.rule', "found no matching overload for '_==_' applied to '(string, int)'")]),
    'pattern': (ruled('self.a.matches("(")'), [(f'{RULE}.rule', 'compilation failed: ERROR: <input>:1:16: invalid matches argument')]),
    'message': (ruled("self.a == 'x'", messageExpression='1'), [(f'{RULE}.messageExpression', 'messageExpression must evaluate to a string')]),
    'field path': (ruled("self.a == 'x'", fieldPath='.zz'), [(f'{RULE}.fieldPath', 'must be a valid path')]),
    'reason': (ruled("self.a == 'x'", reason='Foo'), [(f'{RULE}.reason', 'Unsupported value: "Foo"')]),
    'lines': (ruled("self.a ==\n'x'"), [(f'{RULE}.message', 'message must be specified if rule contains line breaks')]),
    'optional old': (ruled("self.a == 'x'", optionalOldSelf=True), [(f'{RULE}.optionalOldSelf', 'may not be set if oldSelf is not used in rule')]),
    'cost': (ruled('self.a.all(x, self.a.all(y, x == y))', TEXTS),
             [(f'{RULE}.rule', f'Forbidden: estimated rule cost {OVER}'), (f'{RULE}.rule', 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'),
              (ROOT, f'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema {OVER}')]),
    'no type': (ruled("self.a == 'x'", {'a': {'x-kubernetes-preserve-unknown-fields': True}}), [(f'{RULE}.rule', "undefined field 'a'")]),
    'old item': ({'type': 'object', 'properties': {'a': {'type': 'array', 'maxItems': 3, 'items': {**ruled('self.a == oldSelf.a', {'a': {**TEXT, 'maxLength': 5}})}}}},
                 [(f'{ROOT}.properties[spec].properties[a].items.x-kubernetes-validations[0].rule',
                   f'oldSelf cannot be used on the uncorrelatable portion of the schema within {ROOT}.properties[spec].properties[a]')]),
    'default': ({'type': 'object', 'properties': {'a': {**TEXT, 'default': 'y', 'x-kubernetes-validations': [{'rule': "self == 'x'"}]}}},
                [(f'{ROOT}.properties[spec].properties[a].default', 'Invalid value: "y": failed rule: self == \'x\'')]),
}


@pytest.mark.parametrize('what', BROKEN)
def test_broken_rules_are_refused_with_their_definition(call, what):
    spec, wanted = BROKEN[what]
    status, answer = call(CRDS, 'POST', definition('rules', spec=spec))
    assert status == 422, answer
    causes = answer['details']['causes']
    assert [c['field'] for c in causes] == [field for field, _ in wanted], causes
    for cause, (_, message) in zip(causes, wanted):
        assert message in cause['message'], cause


def test_rules_that_cost_little_by_the_bounds_of_their_lists_stand(call):
    spec = ruled('self.a.all(x, self.a.all(y, x == y))', {'a': {'type': 'array', 'maxItems': 10, 'items': {**TEXT, 'maxLength': 10}}})
    call.undefine(call.define(definition('smalls', spec=spec)))


def test_what_rules_find_is_told_as_upstream_tells_it(call):
    spec = ruled("!has(self.l) || self.l[3] == 'x'", {
        'l': {'type': 'array', 'items': TEXT, 'x-kubernetes-validations': [{'rule': 'size(self) < 3'}]}, 's': {**TEXT, 'x-kubernetes-validations': [{'rule': "self == 'x'"}]},
        'd': {**TEXT, 'x-kubernetes-validations': [{'rule': "self == 'x'", 'reason': 'FieldValueDuplicate'}]}, 'i': {'type': 'integer', 'x-kubernetes-validations': [{'rule': 'self > 3'}]},
        'm': {'type': 'object', 'additionalProperties': TEXT, 'x-kubernetes-validations': [{'rule': 'size(self) < 1', 'message': ' spaced '}]}})
    name = call.define(definition('judges', spec=spec))

    def causes(**spec):
        status, answer = call(path('judges'), 'POST', thing('j', 'Judge', **spec))
        assert status == 422, answer
        return [(c['field'], c['message']) for c in answer['details']['causes']]
    assert causes(s='y') == [('spec.s', 'Invalid value: "y": failed rule: self == \'x\'')]
    assert causes(i=1) == [('spec.i', 'Invalid value: 1: failed rule: self > 3')]
    assert causes(d='q') == [('spec.d', 'Duplicate value: "q"')]
    assert causes(m={'a': 'b'}) == [('spec.m', 'Invalid value: spaced')]
    assert causes(l=['a', 'b', 'c']) == [('spec', 'Invalid value: "object": index out of bounds: 3 evaluating rule: !has(self.l) || self.l[3] == \'x\''),
                                         ('spec.l', 'Invalid value: failed rule: size(self) < 3')]
    call.undefine(name)


def test_names_that_are_freed_go_to_who_waits_for_them(call):
    first = call.define(definition('firsts', 'Wanted', shortNames=['wa']))
    assert call(CRDS, 'POST', definition('seconds', 'Wanted', shortNames=['wa']))[0] == 201
    second = f'seconds.{GROUP}'
    await_true('the conflict is told', lambda: condition(call(f'{CRDS}/{second}')[1], 'NamesAccepted').get('status') == 'False')
    assert condition(call(f'{CRDS}/{second}')[1], 'Established')['status'] == 'False' and call(path('seconds'))[0] == 404
    call.undefine(first)
    await_true('the names are had', lambda: condition(call(f'{CRDS}/{second}')[1], 'NamesAccepted').get('status') == 'True')
    await_true('and served', lambda: call(path('seconds'))[0] == 200)
    assert call(f'{CRDS}/{second}')[1]['status']['acceptedNames']['shortNames'] == ['wa']
    call.undefine(second)


def test_scope_and_kind_stay_as_they_were_established(call):
    name = call.define(definition('stays'))
    for change in ({'scope': 'Cluster'}, {'names': {'kind': 'Other', 'plural': 'stays', 'singular': 'stay', 'listKind': 'OtherList'}}, {'group': 'other.example.com'}):
        status, answer = call(f'{CRDS}/{name}', 'PATCH', {'spec': change}, 'application/merge-patch+json')
        assert status == 422 and any('field is immutable' in c['message'] for c in answer['details']['causes']), answer
    call.undefine(name)


def make(call, plural, kind, count, **spec):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: call(path(plural), 'POST', thing(f'o{i}', kind, **spec))[0], range(count)))
    assert set(answers) == {201}, set(answers)


@pytest.mark.parametrize('objects, watchers', [(1_000, 100), (10_000, 10)])
def test_a_definition_goes_with_thousands_of_objects_under_hundreds_of_watches(call, server, objects, watchers):
    crd = definition('manies', 'Many')
    name = call.define(crd)
    make(call, 'manies', 'Many', objects)
    watches = [Watch(server, f'/apis/{GROUP}/v1/manies?watch=true&timeoutSeconds=120&resourceVersion=0') for _ in range(watchers)]
    await_true('all watches have all', lambda: all(len(w.seen) >= objects for w in watches), timeout_s=120)
    begun = time.monotonic()
    call(f'{CRDS}/{name}', 'DELETE')
    other = call.define(definition('others'))  # is not kept waiting
    await_true('the definition goes', lambda: call(f'{CRDS}/{name}')[0] == 404, timeout_s=120)
    print(f'{objects} objects under {watchers} watches were gone after {time.monotonic() - begun:.1f} s')
    await_true('the watches end', lambda: all(w.over.is_set() for w in watches), timeout_s=60)
    short = [(len(w.seen), *(one for one in w.seen[-1:] if one[0] != 'DELETED')) for w in watches if sum(t == 'DELETED' for t, _ in w.seen) != objects]
    assert not short, short
    call.define(crd)
    assert call(path('manies'))[1]['items'] == []
    call.undefine(name)
    call.undefine(other)


def test_nothing_is_made_of_a_definition_that_goes(call):
    name = call.define(definition('lasts'))
    held = thing('held', 'Last')
    held['metadata']['finalizers'] = ['example.com/mine']
    assert call(path('lasts'), 'POST', held)[0] == 201
    call(f'{CRDS}/{name}', 'DELETE')
    await_true('it is about to go', lambda: condition(call(f'{CRDS}/{name}')[1], 'Terminating').get('status') == 'True')

    def refused():
        status, answer = call(path('lasts'), 'POST', thing('new', 'Last'))
        return status == 403 and 'create not allowed while custom resource definition is terminating' in answer['message']
    await_true('nothing is made', refused)
    call(path('lasts', 'held'), 'PATCH', {'metadata': {'finalizers': None}}, 'application/merge-patch+json')
    await_true('it is gone', lambda: call(f'{CRDS}/{name}')[0] == 404, timeout_s=60)


def test_a_deletion_goes_on_after_a_restart(tmp_path):
    with ApiServer(folder=tmp_path) as server:
        call = Client(server)
        name = call.define(definition('halves', 'Half'))
        held = thing('held', 'Half')
        held['metadata']['finalizers'] = ['example.com/mine']
        assert call(path('halves'), 'POST', held)[0] == 201
        call(f'{CRDS}/{name}', 'DELETE')
        await_true('it waits for the object', lambda: condition(call(f'{CRDS}/{name}')[1], 'Terminating').get('reason') == 'InstanceDeletionInProgress')
    with ApiServer(folder=tmp_path) as server:
        call = Client(server)
        assert call(f'{CRDS}/{name}')[0] == 200 and call(path('halves', 'held'))[0] == 200
        call(path('halves', 'held'), 'PATCH', {'metadata': {'finalizers': None}}, 'application/merge-patch+json')
        await_true('it is gone', lambda: call(f'{CRDS}/{name}')[0] == 404)
        name = call.define(definition('halves', 'Half'))
        assert json.dumps(call(path('halves'))[1]['items']) == '[]'


def test_deprecated_versions_warn(call, server):
    crd = definition('olds', 'Old')
    crd['spec']['versions'][0]['deprecated'] = True
    name = call.define(crd)

    def warnings():
        with urllib.request.urlopen(server.url + path('olds'), context=server.context, timeout=30) as answer:
            return answer.headers.get_all('Warning')
    assert warnings() == [f'299 - "{GROUP}/v1 Old is deprecated"']
    crd['spec']['versions'][0]['deprecationWarning'] = 'use another'
    call.define(crd)
    await_true('the new words', lambda: warnings() == ['299 - "use another"'])
    call.undefine(name)


def test_rules_know_zones_by_name(call):
    rule = {'rule': "timestamp(self.at).getHours('Asia/Tokyo') < 12", 'message': 'not in the afternoon of Tokyo'}
    spec = {'type': 'object', 'properties': {'at': {'type': 'string', 'maxLength': 30}}, 'x-kubernetes-validations': [rule]}
    name = call.define(definition('hours', spec=spec))
    assert call(path('hours'), 'POST', thing('morning', 'Hour', at='2026-01-15T01:00:00Z'))[0] == 201
    status, answer = call(path('hours'), 'POST', thing('evening', 'Hour', at='2026-01-15T05:00:00Z'))
    assert status == 422 and rule['message'] in answer['message'], answer
    call.undefine(name)
    spec['default'] = {'at': '2026-01-15T01:00:00Z'}
    call.undefine(call.define(definition('hours', spec=spec)))
    spec['default'] = {'at': '2026-01-15T05:00:00Z'}
    status, answer = call(CRDS, 'POST', definition('hours', spec=spec))
    assert status == 422 and rule['message'] in answer['message'], answer


def test_a_null_that_is_applied_is_for_validation_to_refuse(call):
    spec = {'type': 'object', 'properties': {'a': TEXT, 'n': {'type': 'integer'}, 'd': {**TEXT, 'default': 'x'}, 'y': {**TEXT, 'nullable': True},
                                             'o': {'type': 'object', 'properties': {'a': TEXT}}, 'any': {'x-kubernetes-preserve-unknown-fields': True}}}
    name = call.define(definition('nones', spec=spec))

    def apply(obj, **values):
        return call(path('nones', obj) + '?fieldManager=wire&force=true', 'PATCH', thing(obj, 'None', **values), 'application/apply-patch+yaml')

    def refusals(*problems):
        return [{'reason': 'FieldValueTypeInvalid', 'field': f, 'message': f'Invalid value: "null": {f} in body must be of type {t}: "null"'} for f, t in problems]
    for obj in ('new', 'old'):
        if obj == 'old':
            assert apply('old', a='was', o={'a': 'was'})[0] == 201
        for values, problems in (({'a': None, 'n': None}, [('spec.a', 'string'), ('spec.n', 'integer')]), ({'o': {'a': None}}, [('spec.o.a', 'string')])):
            status, answer = apply(obj, **values)
            assert status == 422 and answer['reason'] == 'Invalid' and sorted(answer['details']['causes'], key=lambda c: c['field']) == refusals(*problems), answer
    status, answer = apply('taken', d=None, y=None, any=None)
    assert status == 201 and answer['spec'] == {'d': 'x', 'y': None}, answer
    status, answer = apply('taken', odd=None)
    assert (status, answer['message']) == (500, f'failed to create typed patch object (/taken; {GROUP}/v1, Kind=None): .spec.odd: field not declared in schema')
    status, answer = call(path('nones'), 'POST', thing('sent', 'None', a=None, o={'a': None}))
    assert status == 201 and answer['spec'] == {'d': 'x', 'o': {}}, answer
    call.undefine(name)
