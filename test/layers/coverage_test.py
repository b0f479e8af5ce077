"""What is to have a test beside it: every plan, every scheduler plugin, every resource's strategy, and every decoder of text that comes
from outside. What has none yet stands in a list here, which only gets shorter: an entry that is no longer true fails too."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATEGY = re.compile(r'^class \w*Strategy\w*\b[^;{]*: public', re.M)
DECODER = re.compile(r'^(?:inline |static )*(?:Result|std::optional)<[^;{]*> ((?:parse|decode)_\w+)\((?:std::string_view|const std::string&)', re.M)

# Strategies that the golden answers (test/wire) alone try.
STRATEGIES_WITHOUT_TEST = '''
src/apiserver/resources/admissionregistration/policy.cpp src/apiserver/resources/admissionregistration/webhook.cpp
src/apiserver/resources/apiextensions/apiextensions.cpp src/apiserver/resources/apiregistration/apiregistration.cpp
src/apiserver/resources/apps/controller_revision.cpp src/apiserver/resources/apps/daemon_set.cpp src/apiserver/resources/apps/deployment.cpp
src/apiserver/resources/apps/replica_set.cpp src/apiserver/resources/apps/stateful_set.cpp src/apiserver/resources/autoscaling/autoscaling.cpp
src/apiserver/resources/batch/cron_job.cpp src/apiserver/resources/batch/job.cpp src/apiserver/resources/coordination/coordination.cpp
src/apiserver/resources/core/config_map.cpp src/apiserver/resources/core/endpoints.cpp src/apiserver/resources/core/event.cpp
src/apiserver/resources/core/limit_range.cpp src/apiserver/resources/core/namespace.cpp src/apiserver/resources/core/persistent_volume.cpp
src/apiserver/resources/core/pod_parts.cpp src/apiserver/resources/core/replication_controller.cpp
src/apiserver/resources/core/resource_quota.cpp src/apiserver/resources/core/secret.cpp src/apiserver/resources/core/service_account.cpp
src/apiserver/resources/discovery/discovery.cpp src/apiserver/resources/flowcontrol/flowcontrol.cpp
src/apiserver/resources/networking/ingress.cpp src/apiserver/resources/networking/network_policy.cpp
src/apiserver/resources/networking/service_cidr.cpp src/apiserver/resources/node/node.cpp src/apiserver/resources/policy/policy.cpp
src/apiserver/resources/rbac/rbac.cpp src/apiserver/resources/resource/resource.cpp src/apiserver/resources/scheduling/scheduling.cpp
src/apiserver/resources/storage/storage.cpp
'''.split()

# Decoders that no unit test and no fuzz target calls by name: others that are tried call them.
DECODERS_WITHOUT_TEST = '''
src/apimachinery/apply/path_element.h:parse_text src/apimachinery/selectors/label_parser.h:parse_label_requirements
src/apimachinery/selectors/label_selector.h:parse_expression_operator src/apiserver/exchange/body.h:decode_body
src/apiserver/exchange/body.h:decode_document src/client/wire.h:decode_proto_object src/component/flags.h:parse_go_bool
src/net/http1_message.h:parse_content_length src/scheduler/framework/plugin_args.h:parse_args
'''.split()


def sources(root, pattern):
    return sorted(root.glob('src/**/' + pattern))


def name_of(path, root):
    return str(path.relative_to(root))


def plans_without_test(root):
    return [name_of(p, root) for p in sources(root, 'plan.cpp') if not p.with_name('plan_test.cpp').exists()]


def plugins_without_test(root):
    folders = [p for p in sorted((root / 'src/scheduler/plugins').glob('*')) if p.is_dir() and (p / f'{p.name}.cpp').exists()]
    return [name_of(p, root) for p in folders if not any(p.glob('*_test.cpp'))]


def strategies_without_test(root):
    return [name_of(p, root) for p in sorted((root / 'src/apiserver/resources').rglob('*.cpp'))
            if not p.stem.endswith('_test') and STRATEGY.search(p.read_text()) and not p.with_name(p.stem + '_test.cpp').exists()]


def decoders_without_test(root):
    tests = [p.read_text() for folder in ('src', 'test') for p in sorted((root / folder).rglob('*.cpp')) if p.stem.endswith(('_test', '_fuzz'))]
    called = set(re.findall(r'\b((?:parse|decode)_\w+)\s*[(<]', '\n'.join(tests)))
    return [f'{name_of(header, root)}:{name}' for header in sources(root, '*.h') for name in DECODER.findall(header.read_text()) if name not in called]


def complaints(found, known, what):
    return [f'{name}: {what} without a test beside it' for name in found if name not in known] + \
           [f'{name}: has a test now (or is gone): take it off the list in test/layers/coverage_test.py' for name in known if name not in found]


def test_what_lacks_a_test_is_found(tmp_path):
    def write(path, text=''):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    write('src/controller/a/plan.cpp')
    write('src/controller/b/plan.cpp')
    write('src/controller/b/plan_test.cpp')
    write('src/scheduler/plugins/x/x.cpp')
    write('src/scheduler/plugins/y/y.cpp')
    write('src/scheduler/plugins/y/plan_test.cpp')
    write('src/scheduler/plugins/shared/claims.cpp')
    write('src/apiserver/resources/core/pod.cpp', 'class PodStrategy : public TypedStrategy<core::Pod> {\n')
    write('src/apiserver/resources/core/node.cpp', 'class NodeStrategy final : public TypedStrategy<core::Node> {\n')
    write('src/apiserver/resources/core/node_test.cpp')
    write('src/net/url.h', 'Result<Url> parse_url(std::string_view text);\nResult<Url> parse_host(std::string_view text);\nResult<int> parse_it(int x);\n')
    write('src/net/url_test.cpp', 'EXPECT_TRUE(parse_url("a"));\n')
    assert plans_without_test(tmp_path) == ['src/controller/a/plan.cpp']
    assert plugins_without_test(tmp_path) == ['src/scheduler/plugins/x']
    assert strategies_without_test(tmp_path) == ['src/apiserver/resources/core/pod.cpp']
    assert decoders_without_test(tmp_path) == ['src/net/url.h:parse_host']
    assert complaints(['a'], [], 'a plan') and complaints([], ['a'], 'a plan') and not complaints(['a'], ['a'], 'a plan')


def test_every_plan_has_a_test_beside_it():
    wrong = complaints(plans_without_test(ROOT), [], 'a plan')
    assert not wrong, '\n' + '\n'.join(wrong)


def test_every_scheduler_plugin_has_a_test_beside_it():
    wrong = complaints(plugins_without_test(ROOT), [], 'a plugin')
    assert not wrong, '\n' + '\n'.join(wrong)


def test_every_strategy_has_a_test_beside_it():
    wrong = complaints(strategies_without_test(ROOT), STRATEGIES_WITHOUT_TEST, 'a strategy')
    assert not wrong, '\n' + '\n'.join(wrong)


def test_every_decoder_is_called_by_a_test():
    wrong = complaints(decoders_without_test(ROOT), DECODERS_WITHOUT_TEST, 'a decoder')
    assert not wrong, '\n' + '\n'.join(wrong)
