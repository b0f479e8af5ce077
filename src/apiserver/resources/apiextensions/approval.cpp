#include "apiserver/resources/apiextensions/approval.h"

#include <algorithm>

#include <fmt/format.h>

namespace pintle::apiserver::resources::apiextensions {
namespace {

bool is_protected(std::string_view group) {
  return group == "k8s.io" || group == "kubernetes.io" || group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io");
}

// With a scheme and a host, whatever they are.
bool is_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == text.npos || colon == 0) return false;
  const auto is_of_scheme = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  if (!std::ranges::all_of(text.substr(0, colon), is_of_scheme)) return false;
  const std::string_view behind = text.substr(colon + 3);
  return !behind.substr(0, behind.find_first_of("/?#")).empty();
}

}  // namespace

Approval approval_of(const api::apiextensions_v1::CustomResourceDefinition& definition) {
  using State = Approval::State;
  constexpr std::string_view see = ", see https://github.com/kubernetes/enhancements/pull/1111";
  if (!is_protected(definition.spec.group)) return {};
  const auto found = definition.metadata.annotations.find(approval_annotation);
  if (found == definition.metadata.annotations.end() || found->second.empty())
    return {State::Missing, fmt::format("protected groups must have approval annotation \"{}\"{}", approval_annotation, see)};
  const std::string& said = found->second;
  if (said.starts_with("unapproved")) return {State::Bypassed, fmt::format("not approved: \"{}\"", said)};
  if (is_url(said)) return {State::Approved, "approved in " + said};
  return {State::Invalid,
          fmt::format("protected groups must have approval annotation \"{}\" with either a URL or a reason starting with \"unapproved\"{}",
                      approval_annotation, see)};
}

}  // namespace pintle::apiserver::resources::apiextensions
