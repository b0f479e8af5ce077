"""Ranges of Services' addresses: guarded while a Service has an address out of them. Each scenario has ranges of its own."""

GRACE_S = 10  # a range that may go stays this long


def _range(c, name, *cidrs):
    name = f'{c.namespace}-{name}'
    c.extra.append(('ServiceCIDR', name))
    c.make(f'{{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {{name: {name}}}, spec: {{cidrs: [{", ".join(cidrs)}]}}}}')
    c.wait(lambda: c.conditions('ServiceCIDR', name).get('Ready') == 'True' and c.get('ServiceCIDR', name)['metadata'].get('finalizers'), f'{name} is ready')
    return name


def _service(c, address, name='s'):
    return c.make(f'{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{clusterIP: {address}, ports: [{{port: 80}}]}}}}')


def _deleted(c, name):
    c.delete('ServiceCIDR', name)
    c.wait(lambda: (c.get('ServiceCIDR', name) or {'metadata': {'deletionTimestamp': ''}})['metadata'].get('deletionTimestamp') is not None, f'{name} is deleted')


def is_ready(c):
    _range(c, 'a', '10.111.0.0/24')


def goes_when_nobody_needs_it(c):
    name = _range(c, 'a', '10.112.0.0/24')
    _deleted(c, name)
    c.observe('there' if c.get('ServiceCIDR', name) else 'gone')
    c.wait(lambda: c.get('ServiceCIDR', name) is None, 'it goes', GRACE_S + 20)


def is_held_by_an_address(c):
    name = _range(c, 'a', '10.113.0.0/24')
    _service(c, '10.113.0.9')
    c.observe(c.get('IPAddress', '10.113.0.9')['spec'])
    _deleted(c, name)
    c.wait(lambda: c.conditions('ServiceCIDR', name).get('Ready') == 'False', 'it says that it is held')
    c.observe([(x['reason'], x['message']) for x in c.status('ServiceCIDR', name).get('conditions', [])])
    c.delete('Service', 's')
    c.wait(lambda: c.get('ServiceCIDR', name) is None, 'it goes', GRACE_S + 20)


def another_takes_its_addresses(c):
    name = _range(c, 'a', '10.114.0.0/24')
    _service(c, '10.114.0.9')
    _deleted(c, name)
    c.wait(lambda: c.conditions('ServiceCIDR', name).get('Ready') == 'False', 'it says that it is held')
    _range(c, 'b', '10.114.0.0/16')
    c.wait(lambda: c.get('ServiceCIDR', name) is None, 'it goes', GRACE_S + 20)


def part_of_it_is_held(c):
    name = _range(c, 'a', '10.115.0.0/24')
    _range(c, 'b', '10.115.0.0/25')
    _service(c, '10.115.0.200')
    _deleted(c, name)
    c.wait(lambda: c.conditions('ServiceCIDR', name).get('Ready') == 'False', 'it says that it is held')
