"""A rule that several components share has one home, src/rules: a function or type of its name anywhere else is a second one, which will
answer differently one day. What the rules are, ARCHITECTURE.md says in the table "rule -> home"."""
import pathlib
import re

from one_definition_test import LITERALS

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Names that say which rule a definition would be, by the rule. The first of each rule must be defined in its home.
RULES = {
    'tolerations.h': ['tolerates', 'find_toleration', 'is_tolerated', 'untolerated_taint', 'tolerated', 'has_untolerated_taint', 'tolerates_taint'],
    'node_selector.h': ['NodeSelectorTerm', 'NodeSelector', 'RequiredNodeAffinity', 'matches_node', 'pod_matches_node', 'matches_node_selector', 'allows_node'],
    'pod_resources.h': ['pod_requests', 'pod_limits', 'pod_request_amounts', 'qos_class', 'qos_class_of_spec', 'pod_qos', 'pod_qos_class', 'compute_qos', 'is_sidecar',
                        'has_pod_level_requests', 'resize_is_infeasible'],
    'resource_names.h': ['is_native_resource', 'is_extended_resource', 'is_huge_pages', 'is_overcommitted', 'is_pod_level_resource', 'is_native', 'is_extended'],
    'pod_state.h': ['is_terminal', 'is_terminal_phase', 'is_finished', 'is_active', 'ready_condition'],
    'conditions.h': ['find_condition', 'condition_is', 'remove_condition'],
    'owner_references.h': ['controller_of', 'is_controlled_by', 'controller_reference'],
    'pod_claims.h': ['is_claim_of', 'is_made_for'],
    'resource_claims.h': ['resource_claim_name', 'not_made_for', 'is_reserved_for', 'consumer_reference', 'owning_pod'],
    'device_taints.h': ['tolerates_device_taint', 'device_taint_keeps_off'],
    'device_selector.h': ['DeviceSelector', 'compile_device_selector'],
    'service_addresses.h': ['is_assignable', 'has_assignable'],
    'pod_references.h': ['api_reference', 'each_stored_reference', 'secret_names', 'config_map_names'],
    'quota/usage.h': ['counted_names', 'missing_requests', 'pod_usage'],
}

DEFINITION = re.compile(r'^[ \t]*(?:(?:inline|static|constexpr|virtual|explicit)\s+)*(?:class|struct|[\w:<>,&*\s]+?[\s&*])\s*(\w+)\s*(?:\([^;{}]*\)\s*(?:const\s*)?)?(?:override\s*)?\{', re.M)


def second_homes(path, text, rules):
    """Sentences about what src/`path` defines that has its home in src/rules."""
    home_of = {name: home for home, names in rules.items() for name in names}
    names = DEFINITION.findall(LITERALS.sub(' ', text))
    return [f'src/{path} defines {name}: that rule has its home in src/rules/{home_of[name]}; call it there, or give what differs a name of its own'
            for name in names if name in home_of and not path.startswith('rules/')]


def test_a_second_home_is_found():
    rules = {'t.h': ['tolerates', 'NodeSelectorTerm']}
    for text in ('bool tolerates(const Toleration& t, const Taint& taint) {\n  return true;\n}\n', 'namespace {\ninline bool tolerates(int a,\n  int b) { return a; }\n}',
                 'class NodeSelectorTerm {\n};\n', '  static bool tolerates(int a) const {\n  }\n', 'auto tolerates(const std::vector<T>& all) {\n}'):
        assert second_homes('kubelet/x.cpp', text, rules), text
        assert not second_homes('rules/x.cpp', text, rules), text
    for text in ('bool x() { return rules::tolerates(a, b); }\n', 'if (tolerates(a)) {\n}\n', '// bool tolerates(int a) {}\n', 'bool tolerates_all(int a) {\n}\n'):
        assert not second_homes('kubelet/x.cpp', text, rules), text


def test_every_rule_has_one_home():
    wrong = []
    for file in sorted((ROOT / 'src').rglob('*')):
        if file.suffix in ('.h', '.cpp'):
            wrong += second_homes(str(file.relative_to(ROOT / 'src')), file.read_text(), RULES)
    assert not wrong, '\n' + '\n'.join(wrong)


def test_the_homes_are_there_and_the_map_names_them():
    architecture = (ROOT / 'ARCHITECTURE.md').read_text()
    for home, names in RULES.items():
        text = (ROOT / 'src/rules' / home).read_text()
        assert re.search(rf'\b{names[0]}\b', text), f'src/rules/{home} does not declare {names[0]}'
        assert f'`rules/{home}`' in architecture, f'ARCHITECTURE.md: the table "rule -> home" lacks rules/{home}'
