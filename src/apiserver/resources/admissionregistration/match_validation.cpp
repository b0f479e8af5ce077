#include <algorithm>
#include <array>
#include <set>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/admissionregistration/admissionregistration.h"
#include "apiserver/resources/core/pod_spec.h"

namespace pintle::apiserver::resources::admissionregistration {
namespace {

bool has_wildcard(const std::vector<std::string>& list) { return std::find(list.begin(), list.end(), "*") != list.end(); }

// A list as an error shows it.
apimachinery::BadValue list_value(const std::vector<std::string>& list) {
  std::string json = "[";
  for (const std::string& item : list) json += (json.size() > 1 ? ",\"" : "\"") + item + "\"";
  return apimachinery::BadValue::raw(json + "]");
}

void validate_resources(const std::vector<std::string>& resources, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string, std::less<>> all_subresources_of, everywhere;  // of "x/*" the x, of "*/x" the x
  bool all = false, all_with_subresources = false, plain = false;
  for (std::size_t i = 0; i < resources.size(); ++i) {
    const std::string& name = resources[i];
    const FieldPath at = path.index(i);
    if (name.empty()) {
      errors.required(at);
      continue;
    }
    all = all || name == "*";
    all_with_subresources = all_with_subresources || name == "*/*";
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) {
      plain = name != "*";
      continue;
    }
    const std::string resource = name.substr(0, slash), subresource = name.substr(slash + 1);
    if (all_subresources_of.contains(resource)) errors.invalid(at, name, "is covered by '" + resource + "/*'");
    if (everywhere.contains(subresource)) errors.invalid(at, name, "is covered by '*/" + subresource + "'");
    if (subresource == "*") all_subresources_of.insert(resource);
    if (resource == "*") everywhere.insert(subresource);
  }
  if (resources.size() > 1 && all_with_subresources) errors.invalid(path, list_value(resources), "'*/*' stands alone");
  if (all && plain) errors.invalid(path, list_value(resources), "'*' covers every resource without subresource");
}

void validate_named_rules(const std::vector<v1::NamedRuleWithOperations>& rules, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const FieldPath names = path.index(i).child("resourceNames");
    std::set<std::string_view> seen;
    for (std::size_t n = 0; n < rules[i].resource_names.size(); ++n) {
      const std::string& name = rules[i].resource_names[n];
      errors.invalid_all(names.index(n), name, apimachinery::check_path_segment_name(name));
      if (!seen.insert(name).second) errors.duplicate(names.index(n), name);
    }
    validate_rule(rules[i], path.index(i), errors);
  }
}

}  // namespace

void validate_rule(const v1::RuleWithOperations& rule, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 5> operations{"*", "CONNECT", "CREATE", "DELETE", "UPDATE"};
  if (rule.operations.empty()) errors.required(path.child("operations"));
  if (rule.operations.size() > 1 && has_wildcard(rule.operations))
    errors.invalid(path.child("operations"), list_value(rule.operations), "'*' stands alone");
  for (std::size_t i = 0; i < rule.operations.size(); ++i)
    if (std::find(operations.begin(), operations.end(), rule.operations[i]) == operations.end())
      errors.not_supported(path.child("operations").index(i), rule.operations[i], operations);
  if (rule.api_groups.empty()) errors.required(path.child("apiGroups"));
  if (rule.api_groups.size() > 1 && has_wildcard(rule.api_groups))
    errors.invalid(path.child("apiGroups"), list_value(rule.api_groups), "'*' stands alone");
  if (rule.api_versions.empty()) errors.required(path.child("apiVersions"));
  if (rule.api_versions.size() > 1 && has_wildcard(rule.api_versions))
    errors.invalid(path.child("apiVersions"), list_value(rule.api_versions), "'*' stands alone");
  for (std::size_t i = 0; i < rule.api_versions.size(); ++i)
    if (rule.api_versions[i].empty()) errors.required(path.child("apiVersions").index(i));
  if (rule.resources.empty()) errors.required(path.child("resources"));
  validate_resources(rule.resources, path.child("resources"), errors);
}

void validate_match_resources(const v1::MatchResources& match, const FieldPath& path, FieldErrors& errors) {
  if (!match.match_policy) errors.required(path.child("matchPolicy"));
  if (match.namespace_selector) {
    validate_label_selector(*match.namespace_selector, path.child("namespaceSelector"), errors);
  } else {
    errors.required(path.child("namespaceSelector"));
  }
  if (match.object_selector) {
    validate_label_selector(*match.object_selector, path.child("objectSelector"), errors);
  } else {
    errors.required(path.child("objectSelector"));
  }
  validate_named_rules(match.resource_rules, path.child("resourceRules"), errors);
  validate_named_rules(match.exclude_resource_rules, path.child("excludeResourceRules"), errors);
}

void validate_param_kind(const v1::ParamKind& kind, const FieldPath& path, FieldErrors& errors) {
  const FieldPath at = path.child("apiVersion");
  if (kind.api_version.empty()) errors.required(at);
  if (const auto slashes = std::count(kind.api_version.begin(), kind.api_version.end(), '/'); slashes > 1) {
    errors.invalid(at, kind.api_version, "must be a version, or a group and a version joined by '/'");
  } else if (!kind.api_version.empty()) {
    const std::size_t slash = kind.api_version.find('/');
    const std::string group = slash == std::string::npos ? "" : kind.api_version.substr(0, slash);
    const std::string version = slash == std::string::npos ? kind.api_version : kind.api_version.substr(slash + 1);
    if (const auto faults = apimachinery::check_dns_subdomain(group); !group.empty() && !faults.empty()) errors.invalid(at, group, faults.front());
    if (version.empty()) {
      errors.invalid(at, kind.api_version, "a version must be given");
    } else if (const auto faults = apimachinery::check_dns1035_label(version); !faults.empty()) {
      errors.invalid(at, version, faults.front());
    }
  }
  if (kind.kind.empty()) errors.required(path.child("kind"));
  std::string lower = kind.kind;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (const auto faults = apimachinery::check_dns1035_label(lower); !lower.empty() && !faults.empty())
    errors.invalid(path.child("kind"), kind.kind, "upper case aside: " + faults.front());
}

void validate_param_ref(const v1::ParamRef& ref, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> actions{"Deny", "Allow"};
  if (!ref.name.empty()) {
    errors.invalid_all(path.child("name"), ref.name, apimachinery::check_path_segment_name(ref.name));
    if (ref.selector) errors.forbidden(path.child("name"), "name and selector exclude each other");
  }
  if (ref.selector) {
    validate_label_selector(*ref.selector, path.child("selector"), errors);
    if (!ref.name.empty()) errors.forbidden(path.child("selector"), "name and selector exclude each other");
  }
  if (ref.name.empty() && !ref.selector) errors.required(path, "one of name or selector must be given");
  const FieldPath at = path.child("parameterNotFoundAction");
  if (!ref.parameter_not_found_action || ref.parameter_not_found_action->empty()) {
    errors.required(at);
  } else if (std::find(actions.begin(), actions.end(), *ref.parameter_not_found_action) == actions.end()) {
    errors.not_listed(at, *ref.parameter_not_found_action, actions);
  }
}

}  // namespace pintle::apiserver::resources::admissionregistration
