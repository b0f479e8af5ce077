#include "apiserver/policy_status/policy_status.h"

#include "apiserver/custom/shape.h"
#include "apiserver/policy_status/type_checking.h"
#include "base/check.h"
#include "component/log.h"

namespace pintle::apiserver::policy_status {
namespace {

const GroupResource& policies() {
  static const GroupResource resource{"admissionregistration.k8s.io", "validatingadmissionpolicies"};
  return resource;
}

// The kinds that the registry serves.
class Served final : public KnownKinds {
 public:
  explicit Served(const registry::InstalledRegistry& registry) : registry_(registry) {}

  std::vector<KnownKind> of_resource(std::string_view group, std::string_view version, std::string_view resource) const override {
    std::vector<KnownKind> out;
    if (group.empty()) {
      for (const auto& one : registry_.resources())
        for (const registry::VersionBinding& as : one->versions())
          if (as.served->version == version && as.served->name == resource && one->stored()) out.push_back(known({one.get(), &as}));
      return out;
    }
    auto found = registry_.find_served(group, version, resource);
    if (found.resource != nullptr) out.push_back(known(std::move(found)));
    return out;
  }
  std::vector<KnownKind> of_kind(std::string_view group, std::string_view version, std::string_view kind) const override {
    const auto served = registry_.find_kind({group, version, kind});
    if (!served) return {};
    auto found = registry_.find_served(group, version, served->resource.resource);
    if (found.resource == nullptr) return {};
    return {known(std::move(found))};
  }

 private:
  static KnownKind known(registry::InstalledRegistry::Found found) {
    KnownKind out;
    const api::GroupVersionKind& kind = found.version->kind->gvk;
    out.group = kind.group;
    out.version = kind.version;
    out.kind = kind.kind;
    if (found.version->shape == nullptr) {
      out.type = &found.version->type();
    } else if (const auto* shape = dynamic_cast<const custom::Shape*>(found.version->shape)) {
      out.schema = &shape->root();
    }
    out.held = std::move(found.held);
    return out;
  }
  const registry::InstalledRegistry& registry_;
};

}  // namespace

PolicyStatus::PolicyStatus(registry::InstalledRegistry& registry) : registry_(registry) {}

void PolicyStatus::start() {
  registry_.reader().subscribe(policies(), [changes = changes_](const storage::CacheEvent& event) {
    if (event.type != storage::CacheEventType::Deleted && event.object) changes->add(event.object->header().name);
  });
  registry::ChangedNames::Look look = [this, ctx = loops_.start()](const std::string& name) { return look_at(ctx, name); };
  loops_.follow(*changes_, std::move(look), {"The types of a policy's expressions could not be told, which is tried again", "policy"});
}

rt::Task<Result<Unit>> PolicyStatus::look_at(rt::Context ctx, std::string name) {
  auto found = registry_.reader().get(policies(), "", name);
  if (!found) co_return Unit{};  // gone
  const auto& policy = found->as<v1::ValidatingAdmissionPolicy>();
  const int64_t generation = policy.metadata.generation;
  if (policy.status.observed_generation >= generation) co_return Unit{};
  auto warnings = check_types(policy, Served(registry_));
  co_await rt::yield();  // a policy of many kinds takes a while: others first
  const Mutation mutation = [&](api::Object& object) -> Result<Unit> {
    auto& now = object.as<v1::ValidatingAdmissionPolicy>();
    if (now.metadata.generation != generation || now.status.observed_generation >= generation) return Unit{};  // another look is under way
    now.status.observed_generation = generation;
    now.status.type_checking.emplace().expression_warnings = warnings;
    return Unit{};
  };
  RequestScope scope = registry_.own_scope(ctx);
  auto written = co_await registry_.update(scope, policies(), "", name, "status", mutation);
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written.error()));
  co_return Unit{};
}

}  // namespace pintle::apiserver::policy_status
