#include "apiserver/authorization/rbac/rules.h"

#include <algorithm>

#include "codec/json_text.h"

namespace pintle::apiserver::rbac {
namespace {

bool has(const std::vector<std::string>& list, std::string_view value) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& item) { return item == value; });
}
bool has_or_all(const std::vector<std::string>& list, std::string_view value) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& item) { return item == value || item == "*"; });
}

// "*/scale" stands for the subresource of every resource.
bool is_any_resource_with(std::string_view item, std::string_view subresource) {
  return item.size() == subresource.size() + 2 && item.starts_with("*/") && item.ends_with(subresource);
}

bool resource_matches(const Rule& rule, std::string_view combined, std::string_view subresource) {
  return std::any_of(rule.resources.begin(), rule.resources.end(), [&](const std::string& item) {
    return item == "*" || item == combined || (!subresource.empty() && is_any_resource_with(item, subresource));
  });
}

bool url_covers(std::string_view held, std::string_view wanted) {
  if (held == wanted) return true;
  if (!held.ends_with('*')) return false;
  while (held.ends_with('*')) held.remove_suffix(1);
  return wanted.starts_with(held);
}
bool url_matches(const Rule& rule, std::string_view path) {
  return std::any_of(rule.urls.begin(), rule.urls.end(), [&](const std::string& url) { return url_covers(url, path); });
}

// The smallest rules that together say what `rule` says.
void break_down(const Rule& rule, std::vector<Rule>& out) {
  for (const auto& group : rule.groups)
    for (const auto& resource : rule.resources)
      for (const auto& verb : rule.verbs) {
        if (rule.names.empty()) out.push_back({{verb}, {group}, {resource}, {}, {}});
        for (const auto& name : rule.names) out.push_back({{verb}, {group}, {resource}, {name}, {}});
      }
  for (const auto& url : rule.urls)
    for (const auto& verb : rule.verbs) out.push_back({{verb}, {}, {}, {}, {url}});
}

std::string_view subresource_of(std::string_view resource) {
  const auto slash = resource.find('/');
  return slash == std::string_view::npos ? std::string_view() : resource.substr(slash + 1);
}

// `small` comes from break_down().
bool covers(const Rule& held, const Rule& small) {
  if (!has_or_all(held.verbs, small.verbs[0])) return false;
  if (!small.urls.empty()) return url_matches(held, small.urls[0]);
  if (!has_or_all(held.groups, small.groups[0])) return false;
  if (!resource_matches(held, small.resources[0], subresource_of(small.resources[0]))) return false;
  return held.names.empty() || (!small.names.empty() && has(held.names, small.names[0]));
}

void append_list(std::string_view label, const std::vector<std::string>& values, std::string& out) {
  if (values.empty()) return;
  if (out.size() > 1) out += ", ";
  out.append(label).append(":[");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    out += codec::go_quote(values[i]);
  }
  out += ']';
}

}  // namespace

RuleQuery::RuleQuery(const AuthorizationAttributes& a)
    : is_resource(a.is_resource), verb(a.verb), group(a.group), subresource(a.subresource), name(a.name), path(a.path), combined(a.resource) {
  if (!a.subresource.empty()) combined.append("/").append(a.subresource);
}

bool allows(const Rule& rule, const RuleQuery& query) {
  if (!has_or_all(rule.verbs, query.verb)) return false;
  if (!query.is_resource) return url_matches(rule, query.path);
  return has_or_all(rule.groups, query.group) && resource_matches(rule, query.combined, query.subresource) &&
         (rule.names.empty() || has(rule.names, query.name));
}

bool allows(std::span<const Rule> rules, const RuleQuery& query) {
  return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) { return allows(rule, query); });
}

std::vector<Rule> uncovered(std::span<const Rule* const> held, std::span<const Rule> wanted) {
  std::vector<Rule> missing;
  for (const Rule& rule : wanted) {
    std::vector<Rule> parts;
    break_down(rule, parts);
    for (Rule& part : parts)
      if (std::none_of(held.begin(), held.end(), [&](const Rule* rule_held) { return covers(*rule_held, part); })) missing.push_back(std::move(part));
  }
  return missing;
}

std::string describe(const Rule& rule) {
  std::string out = "{";
  append_list("APIGroups", rule.groups, out);
  append_list("Resources", rule.resources, out);
  append_list("ResourceNames", rule.names, out);
  append_list("NonResourceURLs", rule.urls, out);
  append_list("Verbs", rule.verbs, out);
  return out + "}";
}

}  // namespace pintle::apiserver::rbac
