"""Admission policies: the same objects and requests to this server and to upstream's, and the same answers."""
import http.client
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.cluster import ApiServer, Process
from support.nodes import await_true
from support.peers import PEERS, lacking

GROUP = '/apis/admissionregistration.k8s.io/v1'
NS = 'policies'
CONFIG_MAPS = {'apiGroups': [''], 'apiVersions': ['v1'], 'operations': ['CREATE', 'UPDATE', 'DELETE'], 'resources': ['configmaps']}


def only_changes(rule):
    return {**rule, 'operations': [o for o in rule['operations'] if o != 'DELETE']}


def policy(name, *validations, rules=(CONFIG_MAPS,), **spec):
    return {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingAdmissionPolicy', 'metadata': {'name': name},
            'spec': {'matchConstraints': {'resourceRules': list(rules)}, 'validations': [{'expression': v} if isinstance(v, str) else v for v in validations], **spec}}


def mutating(name, *mutations, rules=(CONFIG_MAPS,), **spec):
    made = [{'patchType': 'JSONPatch', 'jsonPatch': {'expression': m}} if m.lstrip().startswith('[') else {'patchType': 'ApplyConfiguration', 'applyConfiguration': {'expression': m}}
            for m in mutations]
    return {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'MutatingAdmissionPolicy', 'metadata': {'name': name},
            'spec': {'matchConstraints': {'resourceRules': [only_changes(r) for r in rules]}, 'mutations': made, 'reinvocationPolicy': 'Never', **spec}}


def binding(of, name=None, actions=('Deny',), **spec):
    kind = of['kind'] + 'Binding'
    made = {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': kind, 'metadata': {'name': name or of['metadata']['name']}, 'spec': {'policyName': of['metadata']['name'], **spec}}
    if kind.startswith('Validating'):
        made['spec']['validationActions'] = list(actions)
    return made


def bound(of, **spec):
    return [of, binding(of, **spec)]


def config_map(name='c', labels=None, **data):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name, 'namespace': NS, **({'labels': labels} if labels else {})}, 'data': data}


def deployment(**spec):
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'd', 'namespace': NS},
            'spec': {'selector': {'matchLabels': {'a': 'b'}}, 'template': {'metadata': {'labels': {'a': 'b'}}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}, **spec}}


DEPLOYMENTS = {'apiGroups': ['apps'], 'apiVersions': ['v1'], 'operations': ['CREATE', 'UPDATE'], 'resources': ['deployments']}
NAMESPACES = {'apiGroups': [''], 'apiVersions': ['v1'], 'operations': ['CREATE', 'UPDATE', 'DELETE'], 'resources': ['namespaces']}
EVERYTHING = {'apiGroups': ['*'], 'apiVersions': ['*'], 'operations': ['*'], 'resources': ['*/*']}

COLLECTIONS = {'ConfigMap': f'/api/v1/namespaces/{NS}/configmaps', 'Secret': f'/api/v1/namespaces/{NS}/secrets', 'Namespace': '/api/v1/namespaces',
               'Deployment': f'/apis/apps/v1/namespaces/{NS}/deployments', 'ValidatingAdmissionPolicy': f'{GROUP}/validatingadmissionpolicies',
               'ValidatingAdmissionPolicyBinding': f'{GROUP}/validatingadmissionpolicybindings', 'MutatingAdmissionPolicy': f'{GROUP}/mutatingadmissionpolicies',
               'MutatingAdmissionPolicyBinding': f'{GROUP}/mutatingadmissionpolicybindings', 'Limit': f'/apis/wire.example.com/v1/namespaces/{NS}/limits',
               'CustomResourceDefinition': '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'Widget': f'/apis/wire.example.com/v1/namespaces/{NS}/widgets',
               'TokenReview': '/apis/authentication.k8s.io/v1/tokenreviews'}


def create(obj):
    return 'POST', COLLECTIONS[obj['kind']] + '?dryRun=All', obj


def made_for(kind, expression, **more):
    """A policy over one kind of thing that tells the value of an expression: as a message where none fits a label."""
    return {'expression': 'false', 'messageExpression': expression, **more}


def told(expression):
    return bound(policy('told', {'expression': 'false', 'messageExpression': expression}))


# 300,000 or so by upstream's counting.
DEAR = 'size("' + 'ab' * 40 + '".split("").map(a, "' + 'ab' * 40 + '".split("").map(b, "' + 'ab' * 4 + '".split("").map(c, a + b + c))))'

# What is set up, and what is asked then.
SCENARIOS = {
    'deny': (bound(policy('p', 'object.data.a == "1"')), [create(config_map(a='1')), create(config_map(a='2')), create(config_map(b='2')), create(config_map())]),
    'reasons': (bound(policy('p', {'expression': 'object.metadata.name != "f"', 'reason': 'Forbidden', 'message': ' not f '},
                             {'expression': 'object.metadata.name != "t"', 'reason': 'RequestEntityTooLarge'},
                             {'expression': 'object.metadata.name != "i"', 'reason': 'Invalid', 'messageExpression': '"no " + object.metadata.name'})),
                [create(config_map(n)) for n in 'ftix']),
    'messages': (bound(policy('p', {'expression': 'object.metadata.name != "long"', 'messageExpression': '"x".replace("x", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")'
                                    + '.split("").map(c, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz").join("")', 'message': 'instead'},
                              {'expression': 'object.metadata.name != "lines"', 'messageExpression': '"a\\nb"', 'message': 'one line'},
                              {'expression': 'object.metadata.name != "blank"', 'messageExpression': '"  "'},
                              {'expression': 'object.metadata.name != "fails"', 'messageExpression': 'string(object.nothing.at.all)', 'message': 'so be it'},
                              {'expression': 'object.metadata.name != "trim"', 'messageExpression': '"  t  "'})),
                 [create(config_map(n)) for n in ('long', 'lines', 'blank', 'fails', 'trim')]),
    'warn': (bound(policy('p', 'false', {'expression': 'object.data.a == "1"', 'message': 'a is not 1'}), actions=['Warn', 'Audit']), [create(config_map(a='1')), create(config_map(a='2'))]),
    'ignored failure': (bound(policy('p', 'object.data.x == "1"', failurePolicy='Ignore')), [create(config_map()), create(config_map(x='2'))]),
    'request': (told('request.operation + " " + request.resource.group + "/" + request.resource.version + "/" + request.resource.resource + " " + request.kind.kind + " " + request.name + " " + '
                     'request.namespace + " " + request.userInfo.username + " " + string(request.dryRun) + " " + request.userInfo.groups.join(",") + " " + string(has(request.subResource)) + " " + '
                     'string(has(request.userInfo.uid)) + " " + string(has(request.userInfo.extra)) + string(has(request.options)) + (request.options == null ? "none" : request.options.kind + '
                     'request.options.apiVersion + request.options.dryRun[0])'), [create(config_map()), ('PUT', f'/api/v1/namespaces/{NS}/configmaps/there?dryRun=All', config_map('there')),
                                                                                    ('DELETE', f'/api/v1/namespaces/{NS}/configmaps/there?dryRun=All', None)]),
    'objects': (told('(object == null ? "none" : object.kind + object.apiVersion + object.metadata.name) + " " + (oldObject == null ? "none" : oldObject.kind + oldObject.metadata.name) + " " + '
                     'namespaceObject.metadata.name + " " + namespaceObject.metadata.labels["kubernetes.io/metadata.name"] + string(has(object.data)) + " " + string(has(object.metadata.uid))'),
                [create(config_map()), ('PUT', f'/api/v1/namespaces/{NS}/configmaps/there?dryRun=All', config_map('there')), ('DELETE', f'/api/v1/namespaces/{NS}/configmaps/there?dryRun=All', None)]),
    'namespaces': (bound(policy('told', {'expression': 'false', 'messageExpression': 'string(namespaceObject == null) + (has(request.namespace) ? request.namespace : "none") + " " + request.name'},
                                rules=[NAMESPACES])),
                   [create({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'fresh'}}), ('DELETE', f'/api/v1/namespaces/{NS}?dryRun=All', None)]),
    'generated names': (told('request.name + "|" + object.metadata.name.substring(0, 3)'), [('POST', COLLECTIONS['ConfigMap'] + '?dryRun=All', {**config_map(), 'metadata': {'generateName': 'gen-'}})]),
    'match conditions': (bound(policy('p', 'false', matchConditions=[{'name': 'named', 'expression': 'object.metadata.name == "hit"'}, {'name': 'none', 'expression': 'namespaceObject == null'}])),
                         [create(config_map('hit')), create(config_map('miss'))]),
    'failing conditions': (bound(policy('p', 'false', matchConditions=[{'name': 'x', 'expression': 'object.data.x == "1"'}, {'name': 'y', 'expression': 'object.data.y != "0"'}])),
                           [create(config_map()), create(config_map(y='0')), create(config_map(x='1', y='1')), create(config_map(x='1'))]),
    'failing conditions ignored': (bound(policy('p', 'false', failurePolicy='Ignore', matchConditions=[{'name': 'x', 'expression': 'object.data.x == "1"'}])), [create(config_map())]),
    'variables': (bound(policy('p', {'expression': 'variables.b > 2', 'messageExpression': '"b is " + string(variables.b)'}, 'variables.unused == 1 || true', 'variables.bad == 1 || variables.b > 0',
                               variables=[{'name': 'a', 'expression': 'size(object.data)'}, {'name': 'b', 'expression': 'variables.a * 2'}, {'name': 'unused', 'expression': '1 / 0'},
                                          {'name': 'bad', 'expression': 'object.nothing'}])),
                  [create(config_map(a='1')), create(config_map(a='1', b='2')), create(config_map())]),
    'zones by name': (told('[timestamp("2026-01-15T12:34:56.789Z"), timestamp("2026-07-15T12:34:56Z")].map(t, ["Europe/Zurich", "America/New_York", "Asia/Kolkata", "UTC", "", "-03:30"].map(z, '
                           'string(t.getHours(z)) + ":" + string(t.getMinutes(z)) + "/" + string(t.getDate(z)) + "/" + string(t.getDayOfWeek(z))).join(" ")).join("|")'), [create(config_map())]),
    'unknown zones': (bound(policy('p', *[f'timestamp("2026-01-15T12:00:00Z").getHours("{zone}") == {i}' for i, zone in enumerate(['Europe/Nowhere', '../UTC', '/etc/passwd'])])), [create(config_map())]),
    'zone of a condition': (bound(policy('p', 'false', matchConditions=[{'name': 'c', 'expression': 'timestamp("2026-01-15T12:00:00Z").getHours("Asia/Tokyo") == 21'}])), [create(config_map())]),
    'mutating by a zone': (bound(mutating('m', 'Object{data: {"hour": string(timestamp("2026-01-15T12:00:00Z").getHours("America/New_York"))}}')), [create(config_map())]),
    'dear variables': (bound(policy('p', 'variables.v0 + variables.v1 + variables.v2 >= 0', variables=[{'name': f'v{i}', 'expression': DEAR} for i in range(3)])), [create(config_map(a='x'))]),
    'variables past the budget': (bound(policy('past', ' + '.join(f'variables.v{i}' for i in range(40)) + ' > 0', variables=[{'name': f'v{i}', 'expression': DEAR} for i in range(40)])),
                                  [create(config_map(a='x'))]),
    'failing variable': (bound(policy('p', 'variables.v == 1', variables=[{'name': 'v', 'expression': '1 / (1 - 1)'}])), [create(config_map())]),
    'annotations': (bound(policy('p', 'true', auditAnnotations=[{'key': 'k', 'valueExpression': 'string(object.data.x)'}])), [create(config_map()), create(config_map(x='1'))]),
    'authorizer': (bound(policy('p', {'expression': 'authorizer.requestResource.check("create").allowed() && authorizer.group("apps").resource("deployments").namespace("x").check("get").allowed()'},
                                {'expression': '!authorizer.serviceAccount("policies", "nobody").group("").resource("secrets").check("get").allowed()'},
                                {'expression': 'authorizer.path("/healthz").check("get").allowed()'})), [create(config_map())]),
    'own kinds': (bound(policy('p', 'false', rules=[EVERYTHING])), [
        create(policy('other', 'true')), create(binding(policy('other', 'true'))), create(mutating('m', 'Object{}')), create(config_map()),
        create({'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenReview', 'metadata': {}, 'spec': {'token': 'x'}}),
        ('POST', f'{GROUP}/validatingwebhookconfigurations?dryRun=All', {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingWebhookConfiguration', 'metadata': {'name': 'w'},
                                                                          'webhooks': []}),
        ('DELETE', f'{GROUP}/validatingadmissionpolicies/p?dryRun=All', None)]),
    'no binding': ([policy('p', 'false')], [create(config_map())]),
    'binding without policy': ([binding(policy('p', 'false'))], [create(config_map())]),
    'two bindings': ([policy('p', 'object.data.a == "1"'), binding(policy('p'), 'b1', ['Warn']), binding(policy('p'), 'b2', ['Audit'])], [create(config_map(a='2'))]),
    'binding selects': (bound(policy('p', 'false'), matchResources={'objectSelector': {'matchLabels': {'x': 'y'}}}), [create(config_map()), create(config_map(labels={'x': 'y'}))]),
    'namespace selector': (bound(policy('p', 'false'), matchResources={'namespaceSelector': {'matchLabels': {'kubernetes.io/metadata.name': NS}}}), [create(config_map())]),
    'other namespace': (bound(policy('p', 'false'), matchResources={'namespaceSelector': {'matchLabels': {'kubernetes.io/metadata.name': 'elsewhere'}}}), [create(config_map())]),
    'excluded': (bound(policy('p', 'false', matchConstraints={'resourceRules': [CONFIG_MAPS], 'excludeResourceRules': [{**CONFIG_MAPS, 'resourceNames': ['spared']}]})),
                 [create(config_map('spared')), create(config_map('not-spared'))]),
    'params by name': (bound(policy('p', {'expression': 'object.data.n < params.data.max', 'messageExpression': '"more than " + params.data.max + " of " + params.kind + params.apiVersion'},
                                    paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}), paramRef={'name': 'there', 'namespace': NS, 'parameterNotFoundAction': 'Deny'}),
                       [create(config_map(n='1')), create(config_map(n='7'))]),
    'params of the namespace': (bound(policy('p', 'object.data.n < params.data.max', paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}), paramRef={'name': 'there', 'parameterNotFoundAction': 'Deny'}),
                                [create(config_map(n='7'))]),
    'params not found': (bound(policy('p', 'params == null', paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}), paramRef={'name': 'nowhere', 'namespace': NS, 'parameterNotFoundAction': 'Deny'}),
                         [create(config_map())]),
    'params not found allowed': (bound(policy('p', 'false', paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}), paramRef={'name': 'nowhere', 'namespace': NS, 'parameterNotFoundAction': 'Allow'}),
                                 [create(config_map())]),
    'params by selector': (bound(policy('p', {'expression': 'object.data.n < params.data.max', 'messageExpression': '"more than " + params.data.max'},
                                        paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}), paramRef={'selector': {'matchLabels': {'limit': 'yes'}}, 'parameterNotFoundAction': 'Deny'}),
                           [create(config_map(n='1')), create(config_map(n='7'))]),
    'no params for the binding': (bound(policy('p', {'expression': 'params != null', 'message': 'without params'}, paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'})), [create(config_map())]),
    'custom params': (bound(policy('p', {'expression': 'int(object.data.n) < params.max', 'messageExpression': '"at most " + string(params.max) + params.kind + params.apiVersion'},
                                   paramKind={'apiVersion': 'wire.example.com/v1', 'kind': 'Limit'}), paramRef={'name': 'five', 'parameterNotFoundAction': 'Deny'}),
                      [create(config_map(n='1')), create(config_map(n='7'))]),
    'unknown params': (bound(policy('p', 'true', paramKind={'apiVersion': 'wire.example.com/v1', 'kind': 'Nothing'}), paramRef={'name': 'five', 'parameterNotFoundAction': 'Allow'}), [create(config_map())]),
    'unknown core params': (bound(policy('p', 'true', paramKind={'apiVersion': 'v1', 'kind': 'Nothing'}), paramRef={'name': 'five', 'parameterNotFoundAction': 'Allow'}), [create(config_map())]),
    'unknown params ignored': (bound(policy('p', 'false', failurePolicy='Ignore', paramKind={'apiVersion': 'wire.example.com/v1', 'kind': 'Nothing'}),
                                     paramRef={'name': 'five', 'parameterNotFoundAction': 'Allow'}), [create(config_map())]),
    'cluster params with namespace': (bound(policy('p', 'true', paramKind={'apiVersion': 'v1', 'kind': 'Namespace'}), paramRef={'name': NS, 'namespace': NS, 'parameterNotFoundAction': 'Allow'}),
                                      [create(config_map())]),
    'cluster params': (bound(policy('p', {'expression': 'false', 'messageExpression': 'params.metadata.name + " " + params.kind'}, paramKind={'apiVersion': 'v1', 'kind': 'Namespace'}),
                             paramRef={'name': NS, 'parameterNotFoundAction': 'Deny'}), [create(config_map())]),
    'namespaced params for cluster scope': (bound(policy('p', 'true', rules=[NAMESPACES], paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}), paramRef={'name': 'there', 'parameterNotFoundAction': 'Allow'}),
                                            [create({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'fresh'}})]),
    'custom objects': (bound(policy('p', {'expression': 'object.spec.size < 5', 'messageExpression': 'object.kind + string(object.spec.size)'},
                                    rules=[{'apiGroups': ['wire.example.com'], 'apiVersions': ['*'], 'operations': ['CREATE'], 'resources': ['widgets']}])),
                       [create({'apiVersion': 'wire.example.com/v1', 'kind': 'Widget', 'metadata': {'name': 'w', 'namespace': NS}, 'spec': {'size': n}}) for n in (3, 7)]),
    'the cost of one expression': (bound(policy('p', 'object.data.all(k, object.data.all(l, object.data.all(m, k + l + m != "x")))')), [create(config_map(**{f'k{i}': 'v' for i in range(120)}))]),
    'the cost of all': (bound(policy('p', *['object.data.all(k, object.data.all(l, object.data.all(m, k + l + m != "x")))'] * 12)),
                        [create(config_map(**{f'k{i}': 'v' for i in range(62)}))]),

    'apply': (bound(mutating('m', 'Object{metadata: Object.metadata{labels: {"added": "yes", "from": string(object.metadata.name)}}}')), [create(config_map(labels={'kept': 'k', 'from': 'x'}))]),
    'apply map': (bound(mutating('m', 'Object{data: {"added": string(size(object.data))}}')), [create(config_map(a='1')), create(config_map())]),
    'apply by key': (bound(mutating('m', 'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: ['
                                    'Object.spec.template.spec.containers{name: "c", env: [Object.spec.template.spec.containers.env{name: "E", value: "v"}]},'
                                    'Object.spec.template.spec.containers{name: "side", image: "s"}]}}}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply int': (bound(mutating('m', 'Object{spec: Object.spec{replicas: 3, paused: true}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply atomic': (bound(mutating('m', 'Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"x": "y"}}}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply atomic list': (bound(mutating('m', 'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: ['
                                         'Object.spec.template.spec.containers{name: "c", args: ["-x"]}]}}}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply without key': (bound(mutating('m', 'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: ['
                                         'Object.spec.template.spec.containers{image: "c"}]}}}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply twice a key': (bound(mutating('m', 'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: ['
                                         'Object.spec.template.spec.containers{name: "c"}, Object.spec.template.spec.containers{name: "c"}]}}}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply undeclared': (bound(mutating('m', 'Object{spec: Object.spec{nothing: 1}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply of another name': (bound(mutating('m', 'Object{spec: Object.other{replicas: 1}}', rules=[DEPLOYMENTS])), [create(deployment())]),
    'apply fails': (bound(mutating('m', 'Object{metadata: Object.metadata{labels: {"a": object.nothing.at}}}')), [create(config_map())]),
    'apply fails ignored': (bound(mutating('m', 'Object{metadata: Object.metadata{labels: {"a": object.nothing.at}}}', failurePolicy='Ignore')), [create(config_map())]),
    'apply to custom': (bound(mutating('m', 'Object{spec: Object.spec{size: object.spec.size + 1}}',
                                       rules=[{'apiGroups': ['wire.example.com'], 'apiVersions': ['*'], 'operations': ['CREATE'], 'resources': ['widgets']}])),
                        [create({'apiVersion': 'wire.example.com/v1', 'kind': 'Widget', 'metadata': {'name': 'w', 'namespace': NS}, 'spec': {'size': 3}})]),
    'json patch': (bound(mutating('m', '[JSONPatch{op: "add", path: "/data/added", value: "yes"}, JSONPatch{op: "remove", path: "/data/gone"}]')),
                   [create(config_map(gone='x')), create(config_map(kept='x'))]),
    'json patch escape': (bound(mutating('m', '[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a.b/c"), value: "v"}]')), [create(config_map(labels={'x': 'y'}))]),
    'json patch conditional': (bound(mutating('m', '[JSONPatch{op: "test", path: "/data/a", value: "1"}, JSONPatch{op: "replace", path: "/data/a", value: object.data.a + "!"}]')),
                               [create(config_map(a='1')), create(config_map(a='2'))]),
    'json patch object': (bound(mutating('m', '[JSONPatch{op: "add", path: "/spec/template/spec/containers/-", value: Object.spec.template.spec.containers{name: "side", image: "s"}}]',
                                         rules=[DEPLOYMENTS])), [create(deployment())]),
    'json patch unknown field': (bound(mutating('m', '[JSONPatch{op: "add", path: "/nothing", value: 1}]')), [create(config_map())]),
    'json patch wrong type': (bound(mutating('m', '[JSONPatch{op: "add", path: "/data", value: 1}]')), [create(config_map())]),
    'json patch bad op': (bound(mutating('m', '[JSONPatch{op: "swap", path: "/data"}]')), [create(config_map())]),
    'two mutations': (bound(mutating('m', 'Object{data: {"n": string(size(object.data))}}', 'Object{data: {"m": string(size(object.data))}}')), [create(config_map(a='1'))]),
    'two policies': (bound(mutating('m1', 'Object{data: {"n": "1"}}')) + bound(mutating('m2', 'Object{data: {"m": "2"}}')), [create(config_map(a='1'))]),
    'invoked again': (bound(mutating('m', 'Object{data: {"n": string(int(object.data.n) + 1)}}', reinvocationPolicy='IfNeeded')), [create(config_map(n='1'))]),
    'invoked once': (bound(mutating('m', 'Object{data: {"n": string(int(object.data.n) + 1)}}')), [create(config_map(n='1'))]),
    'mutating conditions': (bound(mutating('m', 'Object{data: {"n": "1"}}', matchConditions=[{'name': 'x', 'expression': 'object.data.x == "1"'}])),
                            [create(config_map(x='1')), create(config_map(x='2')), create(config_map())]),
    'mutating variables': (bound(mutating('m', 'Object{data: {"n": variables.n}}', variables=[{'name': 'n', 'expression': 'request.operation + object.metadata.name'}])), [create(config_map())]),
    'mutating params': (bound(mutating('m', 'Object{data: {"max": params.data.max}}', paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}),
                              paramRef={'name': 'there', 'namespace': NS, 'parameterNotFoundAction': 'Deny'}), [create(config_map())]),
    'mutating params not found': (bound(mutating('m', 'Object{}', paramKind={'apiVersion': 'v1', 'kind': 'ConfigMap'}), paramRef={'name': 'nowhere', 'namespace': NS, 'parameterNotFoundAction': 'Deny'}),
                                  [create(config_map())]),
    'mutating unknown params': (bound(mutating('m', 'Object{}', paramKind={'apiVersion': 'wire.example.com/v1', 'kind': 'Nothing'}), paramRef={'name': 'x', 'parameterNotFoundAction': 'Deny'}),
                                [create(config_map())]),
    'mutated, then validated': (bound(mutating('m', 'Object{data: {"n": "1"}}')) + bound(policy('p', '!has(object.data.n)')), [create(config_map())]),
}

# Objects that are refused as such.
REFUSED = {
    'no such field of the request': policy('x', 'request.nothing == 1'),
    'no bool': policy('x', 'object.a'),
    'string for bool': policy('x', '"a"'),
    'syntax': policy('x', 'object.('),
    'undeclared': policy('x', 'objct.a == 1'),
    'params without paramKind': policy('x', 'params.a == 1'),
    'variables without any': policy('x', 'variables.a == 1'),
    'variable before it is declared': policy('x', 'variables.a == 1', variables=[{'name': 'a', 'expression': 'variables.b'}, {'name': 'b', 'expression': '1'}]),
    'type of a variable': policy('x', 'variables.a == "x"', variables=[{'name': 'a', 'expression': '1'}]),
    'variable name': policy('x', 'true', variables=[{'name': 'in', 'expression': '1'}]),
    'message is no string': policy('x', {'expression': 'true', 'messageExpression': '1'}),
    'message asks the authorizer': policy('x', {'expression': 'true', 'messageExpression': 'authorizer.path("/").check("get").reason()'}),
    'annotation is no string': policy('x', 'true', auditAnnotations=[{'key': 'k', 'valueExpression': '1'}]),
    'annotation of dyn': policy('x', 'true', auditAnnotations=[{'key': 'k', 'valueExpression': 'object.a'}]),
    'condition names variables': policy('x', 'true', variables=[{'name': 'a', 'expression': '1'}], matchConditions=[{'name': 'c', 'expression': 'variables.a == 1'}]),
    'condition is no bool': policy('x', 'true', matchConditions=[{'name': 'c', 'expression': '1'}]),
    'namespace field': policy('x', 'namespaceObject.metadata.ownerReferences.size() == 0'),
    'literal': policy('x', 'object.a.matches("(")'),
    'Object in a validation': policy('x', 'Object{} == Object{}'),
    'apply no Object': mutating('x', '1'),
    'apply part of an Object': mutating('x', 'Object.spec{}'),
    'patch no list': mutating('x', '[1]'),
    'empty patch': mutating('x', '[]'),
    'patch field': mutating('x', '[JSONPatch{op: 1}]'),
    'patch unknown field': mutating('x', '[JSONPatch{nothing: 1}]'),
}


class Asker:
    """One server: what is set up there and what it answers."""

    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPSConnection('127.0.0.1', server.port, context=server.context, timeout=60)

    def ask(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, {'Content-Type': 'application/json'})
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text.startswith(b'{') else text.decode(), answer.headers.get_all('Warning') or []

    def make(self, obj):
        status, body, _ = self.ask('POST', COLLECTIONS[obj['kind']], obj)
        assert status in (201, 409), body

    def remove(self, obj):
        status, body, _ = self.ask('DELETE', f'{COLLECTIONS[obj["kind"]]}/{obj["metadata"]["name"]}')
        assert status in (200, 404), body

    def seen(self, method, path, body=None):
        """What clients can compare: no times, uids or versions of this one server."""
        status, answer, warnings = self.ask(method, path, body)
        if isinstance(answer, dict):
            for key in ('uid', 'creationTimestamp', 'resourceVersion', 'managedFields', 'generation', 'selfLink'):
                answer.get('metadata', {}).pop(key, None)
            answer.get('details', {}).pop('uid', None)
        return {'status': status, 'answer': answer, 'warnings': sorted(warnings)}


def crd(plural, kind, schema):
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{plural}.wire.example.com'}, 'spec': {
        'group': 'wire.example.com', 'scope': 'Namespaced', 'names': {'plural': plural, 'singular': kind.lower(), 'kind': kind},
        'versions': [{'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': {'type': 'object', **schema}}}]}}


def prepare(asker):
    asker.make({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NS}})
    for made in (crd('limits', 'Limit', {'properties': {'max': {'type': 'integer'}}}),
                 crd('widgets', 'Widget', {'properties': {'spec': {'type': 'object', 'properties': {'size': {'type': 'integer'}}}}})):
        asker.make(made)
    await_true('custom kinds served', lambda: all(asker.ask('GET', COLLECTIONS[kind])[0] == 200 for kind in ('Limit', 'Widget')))
    asker.make(config_map('there', {'limit': 'yes'}, max='5'))
    asker.make(config_map('second', {'limit': 'yes'}, max='3'))
    asker.make({'apiVersion': 'wire.example.com/v1', 'kind': 'Limit', 'metadata': {'name': 'five', 'namespace': NS}, 'max': 5})
    return asker


# Where upstream names a Go type or the words of its patch library, or picks a name by chance, status and reason are compared.
LOOSE = {'json patch wrong type', 'generated names', 'json patch', 'json patch bad op'}


@pytest.fixture(scope='module')
def ours():
    with ApiServer() as s:
        yield prepare(Asker(s))
        s.check_held()


@pytest.fixture(scope='module')
def peer():
    if why := lacking('kube-apiserver', 'etcd'):
        pytest.skip(why)
    with ApiServer(upstream=str(PEERS)) as s:
        yield prepare(Asker(s))


def compared(name, seen):
    return [(s['status'], s['answer'].get('reason')) if name in LOOSE else s for s in seen]


@pytest.mark.parametrize('name', SCENARIOS)
def test_answers_as_upstream(ours, peer, name):
    """Upstream takes a moment to notice its policies (a refusal among the answers shows that it has); ours has to be right at once."""
    setup, requests = SCENARIOS[name]
    for asker in (ours, peer):
        for obj in setup:
            asker.make(obj)
    try:
        mine = compared(name, [ours.seen(*r) for r in requests])
        last = {}

        def same():
            last['seen'] = compared(name, [peer.seen(*r) for r in requests])
            return last['seen'] == mine
        try:
            await_true(name, same, timeout_s=10)
        except RuntimeError:
            assert mine == last['seen']
    finally:
        for asker in (ours, peer):
            for obj in reversed(setup):
                asker.remove(obj)


OWN_WORDS = {'variable name', 'syntax', 'patch unknown field'}   # of this server, of upstream's parser, and what that makes of a field without type


def without_words(answer):
    """Of refusals in this server's own words: what, where, and of which kind."""
    causes = answer['answer'].get('details', {}).get('causes', [])
    return answer['status'], sorted((c.get('reason'), c.get('field')) for c in causes)


@pytest.mark.parametrize('name', REFUSED)
def test_refuses_as_upstream(ours, peer, name):
    mine, theirs = ours.seen(*create(REFUSED[name])), peer.seen(*create(REFUSED[name]))
    assert mine['status'] == 422, mine
    if name in OWN_WORDS:
        assert without_words(mine) == without_words(theirs)
    else:
        assert mine == theirs


# --- what this server alone must stand ---------------------------------------------------------------------------------------------------
@pytest.fixture
def made(ours):
    """Makes objects that are gone when the test ends."""
    all_made = []

    def make(*objects):
        for obj in objects:
            all_made.append(obj)
            ours.make(obj)
    yield make
    for obj in reversed(all_made):
        ours.remove(obj)


def test_a_policy_that_locks_everybody_out_can_be_taken_back(ours, made):
    made(*bound(policy('lock', 'false', rules=[EVERYTHING])), *bound(mutating('break', 'Object{nothing: 1}', rules=[EVERYTHING])))
    assert ours.ask(*create(config_map()))[0] == 403
    for path in (f'{GROUP}/validatingadmissionpolicybindings/lock', f'{GROUP}/mutatingadmissionpolicies/break'):
        assert ours.ask('DELETE', path)[0] == 200
    assert ours.ask(*create(config_map()))[0] == 201


def test_params_of_a_kind_that_goes(ours, made):
    """Requests that are under way while the kind of a policy's parameters is removed are answered, one way or the other."""
    kind = crd('goings', 'Going', {'properties': {'max': {'type': 'integer'}}})
    COLLECTIONS['Going'] = f'/apis/wire.example.com/v1/namespaces/{NS}/goings'
    made(kind)
    await_true('the kind is served', lambda: ours.ask('GET', COLLECTIONS['Going'])[0] == 200)
    for i in range(50):
        ours.make({'apiVersion': 'wire.example.com/v1', 'kind': 'Going', 'metadata': {'name': f'g{i}', 'namespace': NS}, 'max': i})
    made(*bound(policy('p', 'params.max >= 0', paramKind={'apiVersion': 'wire.example.com/v1', 'kind': 'Going'}), paramRef={'selector': {}, 'parameterNotFoundAction': 'Allow'}))
    assert ours.ask(*create(config_map()))[0] == 201
    with ThreadPoolExecutor(4) as pool:
        askers = [Asker(ours.server) for _ in range(4)]
        under_way = [pool.submit(lambda a: [a.ask(*create(config_map()))[0] for _ in range(100)], a) for a in askers]
        ours.remove(kind)
        assert {status for done in under_way for status in done.result()} <= {201, 422}
    await_true('the kind is gone', lambda: 'failed to find resource referenced by paramKind' in str(ours.ask(*create(config_map()))[1]))


def test_params_are_shown_in_the_version_of_param_kind(ours, peer):
    """Whichever version they were stored in: by a definition's schemas, and of a built-in kind."""
    kind = crd('scales', 'Scale', {'properties': {'one': {'type': 'integer'}}})
    kind['spec']['versions'].append({'name': 'v2', 'served': True, 'storage': False, 'schema': {'openAPIV3Schema': {
        'type': 'object', 'properties': {'one': {'type': 'integer'}, 'two': {'type': 'integer', 'default': 2}}}}})
    COLLECTIONS['Scale'] = f'/apis/wire.example.com/v1/namespaces/{NS}/scales'
    COLLECTIONS['HorizontalPodAutoscaler'] = f'/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers'
    hpa = {'apiVersion': 'autoscaling/v2', 'kind': 'HorizontalPodAutoscaler', 'metadata': {'name': 'params', 'namespace': NS}, 'spec': {
        'maxReplicas': 3, 'scaleTargetRef': {'kind': 'Deployment', 'name': 'd', 'apiVersion': 'apps/v1'},
        'metrics': [{'type': 'Resource', 'resource': {'name': 'cpu', 'target': {'type': 'Utilization', 'averageUtilization': 50}}}]}}
    told = []
    for asker in (ours, peer):
        asker.make(kind)
        await_true('the kind is served', lambda asker=asker: asker.ask('GET', COLLECTIONS['Scale'].replace('/v1/', '/v2/'))[0] == 200)
        asker.make({'apiVersion': 'wire.example.com/v1', 'kind': 'Scale', 'metadata': {'name': 'params', 'namespace': NS}, 'one': 1})
        asker.make(hpa)
        mine = []
        for api_version, of, message in [('wire.example.com/v1', 'Scale', 'params.apiVersion + string(params.one) + string(has(params.two))'),
                                         ('wire.example.com/v2', 'Scale', 'params.apiVersion + string(params.one) + string(has(params.two))'),
                                         ('autoscaling/v1', 'HorizontalPodAutoscaler', 'params.apiVersion + string(params.spec.targetCPUUtilizationPercentage)'),
                                         ('autoscaling/v2', 'HorizontalPodAutoscaler', 'params.apiVersion + string(size(params.spec.metrics))')]:
            for ref in ({'name': 'params'}, {'selector': {}}):
                objects = bound(policy('p', {'expression': 'false', 'messageExpression': message}, paramKind={'apiVersion': api_version, 'kind': of}),
                                paramRef={**ref, 'parameterNotFoundAction': 'Deny'})
                for obj in objects:
                    asker.make(obj)
                await_true('the policy is heeded', lambda asker=asker, v=api_version: f'denied request: {v}' in str(asker.ask(*create(config_map()))[1]))
                mine.append(asker.seen(*create(config_map())))
                for obj in reversed(objects):
                    asker.remove(obj)
                await_true('the policy is gone', lambda asker=asker: asker.ask(*create(config_map()))[0] == 201)
        told.append(mine)
        asker.remove(hpa)
        asker.remove(kind)
    assert told[0] == told[1]


def test_hundreds_of_policies(ours, made):
    made(*(obj for i in range(400) for obj in bound(policy(f'many-{i}', 'object.metadata.name != "none"'))))
    assert ours.ask(*create(config_map()))[0] == 201
    status, answer, _ = ours.ask(*create(config_map('none')))
    assert (status, answer['reason']) == (422, 'Invalid')


def test_one_expression_of_many_dear_variables(ours, made):
    """It is one step of an evaluation, which goes where it holds nobody up (check_held); a mutation and the conditions of a webhook too."""
    variables = [{'name': f'v{i}', 'expression': DEAR} for i in range(8)]
    made(*bound(policy('dear', ' + '.join(f'variables.v{i}' for i in range(8)) + ' > 0', variables=variables)),
         *bound(mutating('dear', 'Object{data: {"made": string(' + ' + '.join(f'variables.v{i}' for i in range(8)) + ')}}', variables=variables)))
    with ThreadPoolExecutor(4) as pool:
        askers = [Asker(ours.server) for _ in range(4)]
        under_way = [pool.submit(a.ask, *create(config_map(a='x'))) for a in askers]
        while not all(one.done() for one in under_way):
            assert ours.ask('GET', f'/api/v1/namespaces/{NS}/configmaps/there')[0] == 200
    for one in under_way:
        status, answer, _ = one.result()
        assert status == 201 and answer['data']['made'] == str(8 * 80), answer


def test_dear_expressions_over_large_objects(ours, made):
    """Each is cut off at its budget, and meanwhile others are served (the server tells of executors that were held: check_held)."""
    made(*bound(policy('dear', *['object.data.all(k, !object.data[k].split("").map(c, c + c).join("").matches("(a|b)*c"))'] * 12)))
    large = config_map(**{f'k{i}': 'ab' * 4000 for i in range(100)})
    with ThreadPoolExecutor(4) as pool:
        askers = [Asker(ours.server) for _ in range(4)]
        under_way = [pool.submit(a.ask, *create(large)) for a in askers]
        while not all(one.done() for one in under_way):
            assert ours.ask('GET', f'/api/v1/namespaces/{NS}/configmaps/there')[0] == 200
    for one in under_way:
        status, answer, _ = one.result()
        assert status == 422 and ('cost limit exceeded' in answer['message'] or 'cost budget' in answer['message']), answer


def test_checks_are_counted(ours, made):
    made(*bound(policy('counted', 'object.metadata.name != "no"')))
    assert ours.ask(*create(config_map('no')))[0] == 422
    page = ours.ask('GET', '/metrics')[1]
    assert re.search(r'^apiserver_validating_admission_policy_check_total\{policy="counted",policy_binding="counted",error_type="invalid_error",enforcement_action="deny"\} 1$', page, re.M)


TYPED = policy('typed', 'object.spec.nothing == 1', {'expression': 'object.spec.replicas > 0', 'messageExpression': 'string(object.nope)'}, 'variables.n == "x"', 'has(object.spec.strategy)',
               variables=[{'name': 'n', 'expression': 'object.spec.replicas'}], rules=[{**DEPLOYMENTS, 'resources': ['deployments', 'replicasets', 'deployments/scale']}])
CUSTOM_TYPED = policy('custom-typed', 'object.spec.size == "a"', 'object.spec.nope == 1', 'object.metadata.labels == 1',
                      rules=[{'apiGroups': ['wire.example.com'], 'apiVersions': ['v1'], 'operations': ['CREATE'], 'resources': ['widgets']}])


def type_checking(asker, name):
    status = asker.ask('GET', f'{GROUP}/validatingadmissionpolicies/{name}')[1].get('status', {})
    return status.get('observedGeneration') == 1 and status.get('typeChecking', {}).get('expressionWarnings', [])


def manager(server):
    """Upstream's manager with that one controller."""
    config = server.kubeconfig
    return Process([str(PEERS / 'kube-controller-manager'), f'--kubeconfig={config}', f'--authentication-kubeconfig={config}', f'--authorization-kubeconfig={config}',
                    '--controllers=validatingadmissionpolicy-status-controller', '--leader-elect=false', '--bind-address=127.0.0.1', '--secure-port=0'], server.folder / 'manager.log')


@pytest.mark.parametrize('of', [TYPED, CUSTOM_TYPED], ids=['built-in', 'custom'])
def test_types_are_told_as_upstream_does(ours, peer, made, of):
    if why := lacking('kube-controller-manager'):
        pytest.skip(why)
    name = of['metadata']['name']
    made(of)
    mine = await_true('our status', lambda: type_checking(ours, name))
    peer.make(of)
    upstream = manager(peer.server)
    try:
        assert mine == await_true("upstream's status", lambda: type_checking(peer, name))
    finally:
        upstream.stop()
        peer.remove(of)


def test_upstreams_manager_beside_our_own_loop(ours, made):
    """Neither writes what the other has written already: the policy's version stays."""
    if why := lacking('kube-controller-manager'):
        pytest.skip(why)
    path = f'{GROUP}/validatingadmissionpolicies'
    made(TYPED)
    await_true('the status', lambda: type_checking(ours, 'typed'))
    version = ours.ask('GET', f'{path}/typed')[1]['metadata']['resourceVersion']
    upstream = manager(ours.server)
    try:
        later = policy('later', 'object.spec.nothing == 1', rules=[DEPLOYMENTS])
        made(later)
        await_true('the next status', lambda: type_checking(ours, 'later'))
        await_true('upstream watches', lambda: 'Caches are synced' in upstream.tail(100000))
        made(policy('last', 'object.spec.nothing == 1', rules=[DEPLOYMENTS]))
        await_true('the last status', lambda: type_checking(ours, 'last'))
        assert ours.ask('GET', f'{path}/typed')[1]['metadata']['resourceVersion'] == version
    finally:
        upstream.stop()
