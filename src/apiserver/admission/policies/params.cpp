#include "apiserver/admission/policies/params.h"

#include <fmt/format.h>

namespace pintle::apiserver::admission::policies {
namespace {

api::GroupVersionKind kind_of(const v1::ParamKind& kind) {
  const std::string_view version = kind.api_version;
  const auto slash = version.find('/');
  if (slash == version.npos) return {"", version, kind.kind};
  return {version.substr(0, slash), version.substr(slash + 1), kind.kind};
}

Result<std::vector<api::Object>> selected(const ResourceReader& reader, const KindServed& served, const v1::ParamRef& ref, std::string_view ns) {
  TRY_ASSIGN(const auto selector, apimachinery::to_label_selector(ref.selector.get()));
  std::vector<api::Object> out;
  for (const auto& cached : reader.list(served.resource, ns)) {
    if (!selector.matches(cached->header().labels)) continue;
    auto object = reader.get(served.resource, cached->header().ns, cached->header().name);
    if (!object) continue;  // gone meanwhile, perhaps with its whole resource
    out.push_back(std::move(*object));
    if (out.size() > params_max) return bad_request(fmt::format("the paramRef selects more than {} params", params_max));
  }
  return out;
}

}  // namespace

Result<KindServed> find_param_kind(const ResourceReader& reader, const v1::ParamKind& kind) {
  const api::GroupVersionKind wanted = kind_of(kind);
  auto found = reader.find_kind(wanted);
  if (found) return std::move(*found);
  return bad_request(fmt::format("failed to find resource referenced by paramKind: '{}/{}, Kind={}'", wanted.group, wanted.version, wanted.kind));
}

Result<std::vector<api::Object>> collect_params(const ResourceReader& reader, const Policy& policy, const Binding& binding, std::string_view ns) {
  std::vector<api::Object> out;
  if (!policy.param_kind || !binding.param_ref) {
    out.emplace_back();
    return out;
  }
  TRY_ASSIGN(const KindServed served, find_param_kind(reader, *policy.param_kind));
  const v1::ParamRef& ref = *binding.param_ref;
  std::string_view within;
  if (served.namespaced) {
    within = ref.namespace_.empty() ? ns : std::string_view(ref.namespace_);
    if (within.empty()) return bad_request("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
  } else if (!ref.namespace_.empty()) {
    return bad_request("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  }
  if (!ref.name.empty()) {
    if (ref.selector) return bad_request("paramRef.name and paramRef.selector are mutually exclusive");
    auto object = reader.get(served.resource, within, ref.name);
    if (!object && object.error().reason != Reason::NotFound) return Unexpected(std::move(object.error()));
    if (object) out.push_back(std::move(*object));
  } else if (ref.selector) {
    TRY_ASSIGN(out, selected(reader, served, ref, within));
  } else {
    return bad_request("one of name or selector must be provided");
  }
  if (out.empty() && ref.parameter_not_found_action == "Deny")
    return bad_request("no params found for policy binding with `Deny` parameterNotFoundAction");
  return out;
}

}  // namespace pintle::apiserver::admission::policies
