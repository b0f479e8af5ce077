#include "apiserver/admission/policies/params.h"

#include <fmt/format.h>

#include "apiserver/types/registry.h"

namespace pintle::apiserver::admission::policies {
namespace {

api::GroupVersionKind kind_of(const v1::ParamKind& kind) {
  const std::string_view version = kind.api_version;
  const auto slash = version.find('/');
  if (slash == version.npos) return {"", version, kind.kind};
  return {version.substr(0, slash), version.substr(slash + 1), kind.kind};
}

using Names = std::vector<Registry::ObjectName>;

Result<Names> selected(const ResourceReader& reader, const KindServed& served, const v1::ParamRef& ref, std::string_view ns) {
  TRY_ASSIGN(const auto selector, apimachinery::to_label_selector(ref.selector.get()));
  Names out;
  for (const auto& cached : reader.list(served.resource, ns)) {
    if (!selector.matches(cached->header().labels)) continue;
    out.push_back({std::string(cached->header().ns), std::string(cached->header().name)});
    if (out.size() > params_max) return bad_request(fmt::format("the paramRef selects more than {} params", params_max));
  }
  return out;
}

// Those that there are: what is gone meanwhile, perhaps with its whole resource, is left out.
rt::Task<Result<std::vector<api::Object>>> read_params(rt::Context ctx, const AdmissionDeps& deps, GroupResource resource, Names names,
                                                       std::string version) {
  std::vector<api::Object> out;
  if (deps.registry == nullptr) {
    for (const auto& name : names)
      if (auto object = deps.reader.get(resource, name.ns, name.name)) out.push_back(std::move(*object));
    co_return out;
  }
  auto found = co_await deps.registry->read_in(ctx, std::move(resource), std::move(names), std::move(version));
  if (!found && found.error().reason == Reason::NotFound) co_return out;
  co_return found;
}

}  // namespace

Result<KindServed> find_param_kind(const ResourceReader& reader, const v1::ParamKind& kind) {
  const api::GroupVersionKind wanted = kind_of(kind);
  auto found = reader.find_kind(wanted);
  if (found) return std::move(*found);
  return bad_request(fmt::format("failed to find resource referenced by paramKind: '{}/{}, Kind={}'", wanted.group, wanted.version, wanted.kind));
}

rt::Task<Result<std::vector<api::Object>>> collect_params(rt::Context ctx, const AdmissionDeps& deps, ParamsOf of) {
  std::vector<api::Object> out;
  if (!of.policy.param_kind || !of.binding.param_ref) {
    out.emplace_back();
    co_return out;
  }
  CO_TRY_ASSIGN(const KindServed served, find_param_kind(deps.reader, *of.policy.param_kind));
  const v1::ParamRef& ref = *of.binding.param_ref;
  std::string_view within;
  if (served.namespaced) {
    within = ref.namespace_.empty() ? of.ns : std::string_view(ref.namespace_);
    if (within.empty()) co_return bad_request("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
  } else if (!ref.namespace_.empty()) {
    co_return bad_request("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
  }
  Names names;
  if (!ref.name.empty()) {
    if (ref.selector) co_return bad_request("paramRef.name and paramRef.selector are mutually exclusive");
    names.push_back({std::string(within), ref.name});
  } else if (ref.selector) {
    CO_TRY_ASSIGN(names, selected(deps.reader, served, ref, within));
  } else {
    co_return bad_request("one of name or selector must be provided");
  }
  CO_TRY_ASSIGN(out, co_await read_params(ctx, deps, served.resource, std::move(names), of.policy.param_kind->api_version));
  if (out.empty() && ref.parameter_not_found_action == "Deny")
    co_return bad_request("no params found for policy binding with `Deny` parameterNotFoundAction");
  co_return out;
}

}  // namespace pintle::apiserver::admission::policies
