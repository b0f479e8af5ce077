#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/core_v1.h"
#include "apiserver/admission/resource_quota/limited.h"
#include "apiserver/admission/resource_quota/usage.h"
#include "apiserver/admission/settings.h"
#include "apiserver/types/registry.h"

namespace pintle::apiserver::admission {
namespace {

using namespace rules::quota;
using rules::ResourceList;

using api::core_v1::ResourceQuota;

// What a request adds to one quota.
struct Charge {
  std::string quota;
  ResourceList usage;
};

ResourceList without_zeros(const ResourceList& list) {
  ResourceList out;
  for (const auto& [name, quantity] : list)
    if (!quantity.is_zero()) out[name] = quantity;
  return out;
}

// `now` - `before`, nothing below zero.
ResourceList growth(const ResourceList& now, const ResourceList& before) {
  ResourceList out;
  for (const auto& [name, quantity] : now) {
    const api::Quantity* old = before.get(name);
    const api::Quantity more = old ? quantity - *old : quantity;
    if (more.sign() > 0) out[name] = more;
  }
  return out;
}

// Adds the charge to what is used; Forbidden if that is too much.
Result<Unit> add_charge(const AdmissionAttributes& a, ResourceQuota& quota, const ResourceList& charge) {
  std::vector<std::string> hard_names, exceeded;
  for (const auto& [name, quantity] : quota.status.hard) hard_names.push_back(name);
  const ResourceList requested = mask(charge, hard_names);
  ResourceList used = quota.status.used;
  add_resources(used, requested);
  for (const auto& [name, quantity] : requested)
    if (used.get(name)->compare(*quota.status.hard.get(name)) > 0) exceeded.push_back(name);
  if (!exceeded.empty())
    return refuse(a, fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}", quota.metadata.name, to_text(mask(requested, exceeded)),
                                 to_text(mask(quota.status.used, exceeded)), to_text(mask(quota.status.hard, exceeded))));
  quota.status.used = std::move(used);
  return Unit{};
}

class ResourceQuotaPlugin : public AdmissionPlugin {
 public:
  explicit ResourceQuotaPlugin(const AdmissionDeps& deps) : reader_(deps.reader), registry_(deps.registry), runtime_(deps.runtime) {
    if (deps.settings) limited_ = deps.settings->quotas.limited_resources;
  }
  std::string_view name() const override { return "ResourceQuota"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!quota::concerns(a)) return Unit{};
    auto charges = charges_of(a);
    if (!charges) return Result<Unit>(Unexpected(std::move(charges.error())));
    if (charges->empty() || a.dry_run || !registry_) return Unit{};
    return std::nullopt;
  }

  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& a) override {
    if (!quota::concerns(a)) co_return Unit{};
    auto charges = charges_of(a);
    if (!charges) co_return Unexpected(std::move(charges.error()));
    if (a.dry_run || !registry_) co_return Unit{};
    RequestScope scope;
    scope.ctx = ctx;
    scope.registry = registry_;
    scope.runtime = runtime_;
    for (const Charge& charge : *charges) {
      // The mutation sees the newest state, and again after a conflict.
      const AdmissionAttributes* request = &a;
      const ResourceList* usage = &charge.usage;
      Mutation mutation = [request, usage](api::Object& object) { return add_charge(*request, object.as<ResourceQuota>(), *usage); };
      GroupResource resource{"", "resourcequotas"};
      auto updated = co_await registry_->update(scope, std::move(resource), a.ns, charge.quota, "status", std::move(mutation));
      if (!updated && updated.error().reason != Reason::NotFound) co_return Unexpected(std::move(updated.error()));
    }
    co_return Unit{};
  }

 private:
  // The quotas that count this object and what each is to be charged, checked against their present state.
  Result<std::vector<Charge>> charges_of(const AdmissionAttributes& a) const {
    const GroupResource resource{"", "resourcequotas"};
    std::vector<Charge> out;
    quota::Cover cover(limited_, quota::counted_resource(a), *a.object);
    for (const auto& cached : reader_.list(resource, a.ns)) {
      auto object = reader_.decode(resource, *cached);
      if (!object) continue;
      ResourceQuota& quota = object->as<ResourceQuota>();
      cover.see_scopes(quota);
      const auto names = counted_names(quota::counted_resource(a), quota.status.hard);
      if (names.empty() || !in_scope(quota, *a.object)) continue;
      const std::string missing = missing_requests(names, *a.object);
      if (!missing.empty()) return refuse(a, fmt::format("failed quota: {}: {}", quota.metadata.name, missing));
      for (const auto& name : names)
        if (!quota.status.used.contains(name))
          return refuse(a, fmt::format("status unknown for quota: {}, resources: {}", quota.metadata.name, fmt::join(names, ",")));
      cover.see_names(names);
      ResourceList usage = usage_of(quota::counted_resource(a), *a.object);
      if (a.operation == Operation::Update && a.old_object && in_scope(quota, *a.old_object))
        usage = growth(usage, usage_of(quota::counted_resource(a), *a.old_object));
      usage = without_zeros(mask(usage, names));
      if (usage.empty()) continue;
      // What no quota covers is told before what a quota has too little of.
      if (!cover.wanted()) TRY(add_charge(a, quota, usage));
      out.push_back({quota.metadata.name, std::move(usage)});
    }
    if (!cover.wanted()) return out;
    TRY(check_cover(a, cover));
    for (const Charge& charge : out) {
      auto object = reader_.get(resource, a.ns, charge.quota);
      if (object) TRY(add_charge(a, object->as<ResourceQuota>(), charge.usage));
    }
    return out;
  }
  // What an update does not add to needs no quota.
  Result<Unit> check_cover(const AdmissionAttributes& a, const quota::Cover& cover) const {
    ResourceList usage = usage_of(quota::counted_resource(a), *a.object);
    if (a.operation == Operation::Update && a.old_object) usage = growth(usage, usage_of(quota::counted_resource(a), *a.old_object));
    if (without_zeros(usage).empty()) return Unit{};
    if (const auto names = cover.uncovered_names(); !names.empty())
      return refuse(a, fmt::format("insufficient quota to consume: {}", fmt::join(names, ",")));
    if (const std::string scopes = cover.uncovered_scopes(); !scopes.empty())
      return error(Reason::Unknown, fmt::format("insufficient quota to match these scopes: [{}]", scopes));
    return Unit{};
  }

  const ResourceReader& reader_;
  Registry* registry_;
  rt::Runtime* runtime_;
  std::vector<api::apiserverconfig_v1::LimitedResource> limited_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_resource_quota(const AdmissionDeps& deps) { return std::make_unique<ResourceQuotaPlugin>(deps); }

}  // namespace pintle::apiserver::admission
