"""The protobuf form of an OpenAPI version 3 document, made of its JSON by the field numbers of gnostic's openapiv3/OpenAPIv3.proto: what a server answers
in the one form is held against what it answers in the other."""
import struct

import yaml

METHODS = {'get': 4, 'put': 5, 'post': 6, 'delete': 7, 'options': 8, 'head': 9, 'patch': 10}


def varint(n):
    out = b''
    while n >= 0x80:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def field(number, value):
    """What is None, false, zero or an empty text is left out; bytes are a message, and stay."""
    if value is None or value is False or value == 0 or value == '':
        return b''
    if value is True:
        return varint(number << 3) + b'\1'
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack('<d', value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def each(number, values):
    return b''.join(field(number, value) for value in values)


def named(number, members, write):
    return each(number, (field(1, name) + field(2, write(value)) for name, value in members.items()))


def any_value(value):
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10**9).replace('\n...\n', '\n')
    return field(2, text.replace("'", '"'))


def extensions(number, holder):
    return named(number, {k: v for k, v in holder.items() if k.startswith('x-')}, any_value)


def scalar_default(value):
    if isinstance(value, bool):
        return varint(2 << 3) + bytes([value])
    if isinstance(value, (int, float)):
        return varint(1 << 3 | 1) + struct.pack('<d', value)
    return varint(3 << 3 | 2) + varint(len(value.encode())) + value.encode() if isinstance(value, str) else b''


def schema_or_reference(schema):
    return field(2, field(1, schema['$ref'])) if '$ref' in schema else field(1, schema_message(schema))


def additional(value):
    return varint(2 << 3) + bytes([value]) if isinstance(value, bool) else field(1, schema_or_reference(value))


def schema_message(s):
    def number(at, key):
        return field(at, float(s.get(key, 0)))
    out = field(1, s.get('nullable')) + field(9, s.get('title')) + number(10, 'multipleOf') + number(11, 'maximum') + field(12, s.get('exclusiveMaximum')) + number(13, 'minimum')
    for at, key in {14: 'exclusiveMinimum', 15: 'maxLength', 16: 'minLength', 17: 'pattern', 18: 'maxItems', 19: 'minItems', 20: 'uniqueItems', 21: 'maxProperties', 22: 'minProperties'}.items():
        out += field(at, s.get(key))
    out += each(23, s.get('required', [])) + each(24, map(any_value, s.get('enum', []))) + field(25, s.get('type'))
    for at, key in {26: 'allOf', 27: 'oneOf', 28: 'anyOf'}.items():
        out += each(at, map(schema_or_reference, s.get(key, [])))
    for at, key, write in ((29, 'not', schema_message), (30, 'items', lambda v: field(1, schema_or_reference(v))), (31, 'properties', lambda v: named(1, v, schema_or_reference)),
                           (32, 'additionalProperties', additional), (33, 'default', scalar_default)):
        out += field(at, write(s[key])) if key in s else b''
    return out + field(34, s.get('description')) + field(35, s.get('format')) + extensions(36, s)


def content(number, holder):
    return field(number, named(1, holder['content'], lambda m: field(1, schema_or_reference(m['schema'])))) if 'content' in holder else b''


def parameter(p):
    return field(1, field(1, p['name']) + field(2, p['in']) + field(3, p.get('description')) + field(4, p.get('required')) + field(10, schema_or_reference(p['schema'])))


def operation(op):
    out = each(1, op.get('tags', [])) + field(3, op.get('description')) + field(5, op.get('operationId')) + each(6, map(parameter, op.get('parameters', [])))
    if body := op.get('requestBody'):
        out += field(7, field(1, content(2, body) + field(3, body.get('required'))))
    out += field(8, named(2, op['responses'], lambda r: field(1, field(1, r.get('description')) + content(3, r))))
    return out + field(10, op.get('deprecated')) + extensions(13, op)


def path_item(item):
    return b''.join(field(at, operation(item[method])) for method, at in METHODS.items() if method in item) + each(13, map(parameter, item.get('parameters', [])))


def proto_of(document):
    components = document.get('components', {})
    schemes = named(1, components.get('securitySchemes', {}), lambda s: field(1, field(1, s.get('type')) + field(2, s.get('description')) + field(3, s.get('name')) + field(4, s.get('in'))))
    out = field(1, document['openapi']) + field(2, field(1, document['info']['title']) + field(6, document['info']['version']))
    out += field(4, named(1, document['paths'], path_item))
    if components:
        schemas = components.get('schemas')
        out += field(5, (field(1, named(1, schemas, schema_or_reference)) if schemas is not None else b'') + (field(7, schemes) if schemes else b''))
    return out + each(6, (named(1, requirement, lambda scopes: each(1, scopes)) for requirement in document.get('security', [])))
