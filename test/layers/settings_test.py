"""A setting works, or says that it does not: flags, fields of configuration files, members of options and hooks are read where things are
done, or stand in a table of those without effect. Read from the sources."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / 'src'
sys.path.insert(0, str(ROOT / 'tools/apigen'))
import names  # noqa: E402

STRING = r'(?:"(?:\\.|[^"\\])*"\s*)+'
FLAG = re.compile(r'\{\s*"([a-z0-9-]+)",\s*\w+,\s*' + STRING + r',\s*' + STRING + r",\s*(?:0|'.'),\s*(?:true|false),\s*(true|false)(?:,\s*\w+)?\s*\}")
BOUND = re.compile(r'\{"([a-z0-9-]+)",\s*(?:into(?:_if_set)?<&\w+::(\w+)>|(\w+))\}')
COMMENT = re.compile(r'//[^\n]*')
# Of every component: they act before anything else does.
OF_THE_COMMAND = {'help', 'version', 'v', 'vmodule', 'logging-format'}
COMPONENTS = ('kube_apiserver', 'kube_controller_manager', 'kube_scheduler', 'kubelet', 'kube_proxy')


def text_of(*folders, skip=()):
    """The production code of folders of src/, without comments."""
    out = []
    for folder in folders:
        path = SRC / folder
        for file in sorted(path.rglob('*')) if path.is_dir() else [path]:
            name = str(file.relative_to(SRC))
            test = name.endswith(('_test.cpp', '_bench.cpp', '_fuzz.cpp')) or '/testing' in name
            if file.suffix in ('.h', '.cpp') and not test and not any(name.startswith(s) for s in skip):
                out.append(COMMENT.sub('', file.read_text()))
    return '\n'.join(out)


def flags_of(component):
    """name → whether it is said to work."""
    text = (SRC / 'cmd' / component / 'flags.cpp').read_text()
    flags = {name: works == 'true' for name, works in FLAG.findall(text)}
    assert len(flags) == len(re.findall(r'^    \{"[a-z0-9-]+", [A-Z]\w+,', text, re.M)) > 50, 'the pattern no longer reads the table'
    return flags


def fields_of_flags(component):
    """flag → field of the component's configuration file, of those that have such a table."""
    return dict(re.findall(r'^    \{"([a-z0-9-]+)", "([\w.]+)"\},', (SRC / 'cmd' / component / 'flags.cpp').read_text(), re.M))


def without_effect(file):
    table = re.search(r'std::string_view without_effect\[\] = \{(.*?)\};', COMMENT.sub('', (SRC / file).read_text()), re.S)
    return re.findall(r'"([\w.]+)"', table.group(1))


def covered(path, table):
    return any(path == entry or path.startswith(entry + '.') for entry in table)


def reads(text, member):
    """Whether a member is read somewhere: named behind a dot or an arrow, and not only to be assigned."""
    return re.search(r'(?:\.|->|&\w+::)' + member + r'\b(?!\s*=[^=])', text) is not None


def is_set(text, member):
    return re.search(r'(?:\.|->)' + member + r'\b\s*(?:=[^=]|\[|\.push_back|\.emplace|\.ensure)|TRY_ASSIGN\([^,]*(?:\.|->)' + member + r',', text) is not None


@pytest.mark.parametrize('component', COMPONENTS)
def test_flags_that_work_are_read(component):
    # The managers read the flags of their secure port by one function.
    shared = ['component/serving/secure_port_flags.cpp'] if component in ('kube_controller_manager', 'kube_scheduler') else []
    # The controller manager's /configz shows all of them, whatever they do.
    code = text_of(f'cmd/{component}', *shared, skip=[f'cmd/{component}/flags.cpp', 'cmd/kube_controller_manager/configuration.cpp'])
    fields = fields_of_flags(component)
    idle = without_effect('proxy/effects.cpp' if component == 'kube_proxy' else 'kubelet/configuration/effects.cpp')
    wrong = []
    for flag, works in flags_of(component).items():
        if flag in fields:
            acts = not covered(fields[flag], idle) and flag != 'protect-kernel-defaults'
        else:
            acts = flag in OF_THE_COMMAND or f'"{flag}"' in code
        if acts != works:
            wrong.append(f'--{flag}: ' + ('flags.cpp says that it works; nothing reads it' if works else 'flags.cpp says that it has no effect; it is read'))
    assert wrong == []


def test_flags_of_the_api_server_are_bound_to_members_that_are_read():
    table = BOUND.findall((SRC / 'cmd/kube_apiserver/options.cpp').read_text())
    assert {flag for flag, _, _ in table} | OF_THE_COMMAND == {flag for flag, works in flags_of('kube_apiserver').items() if works}


@pytest.mark.parametrize('file, folder', [('kube_apiserver/options.cpp', 'apiserver'), ('kube_controller_manager/options.cpp', 'controller'), ('kube_scheduler/command.cpp', 'scheduler')])
def test_members_that_flags_are_bound_to_are_read(file, folder):
    table = BOUND.findall((SRC / 'cmd' / file).read_text())
    code = text_of(folder, 'cmd/kube_scheduler')
    assert len(table) > 8
    assert [f'--{flag} sets {member}' for flag, member, _ in table if member and not reads(code, member)] == []


def members_of(header, struct):
    body = re.search(r'^struct ' + struct + r' \{\n(.*?)^\};', (SRC / header).read_text(), re.S | re.M).group(1)
    return re.findall(r'^  (?!using|static|explicit)[\w:<>, *&()]+?[ >&*](\w+)(?: = [^;]*|\{[^;]*\})?;', COMMENT.sub('', body), re.M)


OPTIONS = [('apiserver/types/options.h', 'ApiServerOptions', ['apiserver'], ['cmd']), ('scheduler/config/config.h', 'SchedulerConfig', ['scheduler', 'cmd/kube_scheduler'], ['cmd', 'scheduler/config']),
           ('controller/framework/controller.h', 'ControllerOptions', ['controller'], ['cmd']), ('kubelet/container_config/node_config.h', 'NodeConfig', ['kubelet'], ['kubelet']),
           ('kubelet/options.h', 'KubeletOptions', ['kubelet'], ['cmd'])]


@pytest.mark.parametrize('header, struct, readers, setters', OPTIONS)
def test_members_of_options_are_set_and_read(header, struct, readers, setters):
    members = members_of(header, struct)
    assert len(members) >= 10
    reading, setting = text_of(*readers), text_of(*setters)
    bound = {member for _, member, _ in BOUND.findall(setting)} | set(re.findall(r'\binto(?:_if_set)?<&\w+::(\w+)>', setting)) | set(re.findall(r'\{\.(\w+) = ', setting)) | set(re.findall(r', \.(\w+) = ', setting))
    assert [f'{struct}.{m} is read by nobody' for m in members if not reads(reading, m)] == []
    assert [f'{struct}.{m} is set by nobody' for m in members if m not in bound and not is_set(setting, m) and m != 'runtime'] == []


def fields_of(schema, kind, table, prefix=''):
    """Paths of the fields of a kind, by their JSON names, down to the first that the table has or that is no struct of these files."""
    structs = {}
    for file in schema:
        for head, body in re.findall(r'^(?:kind|struct) (\w+)[^\n]*\{\n(.*?)^\}', file.read_text(), re.S | re.M):
            structs[head] = body
    for line in structs[kind].splitlines():
        words = line.split()
        if not words or words[0].startswith('//'):
            continue
        name, kind_of = (None, words[1]) if words[0] == 'inline' else (words[0], words[1])
        kind_of = kind_of.lstrip('*').split('/')[-1].split('.')[-1]
        path = prefix + (name or '')
        if name and (covered(path, table) or kind_of not in structs):
            yield path
        else:
            yield from fields_of(schema, kind_of, table, f'{path}.' if name else prefix)


CONFIGURATIONS = [('KubeletConfiguration', 'kubeletconfig/v1beta1', 'kubelet/configuration/effects.cpp', ['kubelet', 'cmd/kubelet', 'cmd/logging_options.h'], ['kubelet/configuration']),
                  ('KubeProxyConfiguration', 'kubeproxyconfig/v1alpha1', 'proxy/effects.cpp', ['proxy', 'cmd/kube_proxy/command.cpp', 'cmd/logging_options.h'], ['proxy/effects']),
                  ('KubeSchedulerConfiguration', 'kubeschedulerconfig/v1', 'scheduler/config/config.cpp', ['scheduler/config'], [])]
# Judged and then done without: clauses of a field's validation that stand beside its use.
VALIDATION = re.compile(r'^Result<Unit> (?:validate|check_process|check_conntrack|check_parallelism)\(.*?^\}', re.S | re.M)
# Fields whose name says nothing of who reads them, and who does.
READ_ELSEWHERE = {'KubeletConfiguration.protectKernelDefaults': 'refused', 'KubeletConfiguration.tlsCurvePreferences': 'refused',
                  'KubeProxyConfiguration.featureGates': 'checked, and named at the start where they differ', 'KubeProxyConfiguration.mode': 'refused but for nftables'}


@pytest.mark.parametrize('kind, schema, effects, readers, judges', CONFIGURATIONS)
def test_fields_of_a_configuration_are_read_or_listed(kind, schema, effects, readers, judges):
    files = [ROOT / f'schema/{schema}.api', *(ROOT / f'schema/{other}.api' for other in ('componentconfig/v1alpha1', 'logs/v1'))]
    table = without_effect(effects)
    code = VALIDATION.sub('', text_of(*readers, skip=judges))
    paths = list(fields_of(files, kind, table))
    assert len(paths) > 15 and {entry.split('.')[0] for entry in table} <= {path.split('.')[0] for path in paths}, 'the table names fields that there are not'
    wrong = []
    for path in paths:
        member = names.member(path.split('.')[-1])
        if f'{kind}.{path}' in READ_ELSEWHERE:
            continue
        if not covered(path, table) and not reads(code, member):
            wrong.append(f'{path} is read by nobody: act on it, or list it in src/{effects}')
        if path in table and reads(code, member) and member not in AMBIGUOUS:
            wrong.append(f'{path} is read, and listed in src/{effects} as without effect')
    assert wrong == []


# Members of these names are read of other things too.
AMBIGUOUS = {'options'}


def test_gates_that_are_said_to_be_asked_are_asked():
    asked = re.search(r'gates_asked\[\] = \{(.*?)\};', COMMENT.sub('', (SRC / 'kubelet/configuration/effects.cpp').read_text()), re.S).group(1)
    listed = set(re.findall(r'"(\w+)"', asked)) - {'AllAlpha', 'AllBeta'}
    code = text_of('kubelet', skip=['kubelet/configuration/effects.cpp']).replace('gates.enabled("QOSReserved")', '')   # of a field without effect
    assert listed == set(re.findall(r'gates?\w*\.(?:enabled|get)\("(\w+)"\)', code))


# Hooks that are set by their place in braces, or by tests alone (and why that is right).
HOOKS_SET_OTHERWISE = {('MirrorPodsDeps', 'node_uid'): 'by place, in kubelet/node/node_duties.cpp', ('ApiServerSetup', 'last_plugin'): 'of tests',
                       ('PluginDeps', 'try_again'): 'by place, in scheduler/core.cpp', ('PluginDeps', 'whole_pod'): 'by place, in scheduler/core.cpp'}


def test_hooks_are_set_in_production():
    structs = re.compile(r'^struct (\w*(?:Setup|Deps|Options|Handlers?|Config)) (?:final )?\{\n(.*?)^\};', re.S | re.M)
    code = text_of(*sorted(path.name for path in SRC.iterdir() if path.is_dir()))
    unset = [(struct, hook) for struct, body in structs.findall(code) for hook in re.findall(r'^  std::function<.*> (\w+)(?: = [^;]*)?;', body, re.M)
             if not re.search(r'(?:\.|->)' + hook + r'\s*=[^=]', code)]
    assert sorted(unset) == sorted(HOOKS_SET_OTHERWISE)


def test_the_checks_see_what_they_must():
    assert reads('if (options.port > 1)', 'port') and reads('x->port;', 'port') and not reads('options.port = 1;', 'port') and not reads('port', 'port')
    assert is_set('options.port = 1;', 'port') and is_set('TRY_ASSIGN(options.port, f());', 'port') and not is_set('if (options.port == 1)', 'port')
    assert covered('ipvs.scheduler', ['ipvs']) and not covered('ipvsScheduler', ['ipvs'])
    assert FLAG.findall('{"a-b", Bool, "", "Text, \\"quoted\\"", \'x\', false, true, Refused}') == [('a-b', 'true')]
