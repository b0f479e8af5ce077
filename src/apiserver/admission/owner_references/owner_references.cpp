#include <fmt/format.h>

#include "apimachinery/apply/metadata_access.h"
#include "apiserver/admission/factories.h"
#include "apiserver/admission/owner_references/references.h"
#include "apiserver/authorization/authorizer.h"

namespace pintle::apiserver::admission {
namespace {

using namespace owner_references;
using authorization::AuthorizationAttributes;
using authorization::AuthorizationResult;
using authorization::Decision;

References references_of(const api::Object* object) {
  const auto* metadata = object && *object ? apimachinery::find_metadata(*object) : nullptr;
  return metadata ? metadata->owner_references : References();
}

std::string why(const AuthorizationResult& result) {
  return result.reason + ", " + (result.evaluation_error.empty() ? "<nil>" : result.evaluation_error);
}

class OwnerReferencesPermissionEnforcement : public AdmissionPlugin {
 public:
  explicit OwnerReferencesPermissionEnforcement(const AdmissionDeps& deps) : authorizer_(deps.authorizer), reader_(deps.reader) {}
  std::string_view name() const override { return "OwnerReferencesPermissionEnforcement"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (is_pods(a) && a.subresource == "status") return Unit{};
    if (!have_changed(references_of(a.object), references_of(a.old_object))) return Unit{};
    return std::nullopt;
  }
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& a) override {
    if (auto answer = validate_now(a)) co_return std::move(*answer);
    if (!authorizer_ || !a.user) co_return refuse(a, "nobody can say who may set an ownerRef");
    if (a.operation != Operation::Create) {
      AuthorizationAttributes right = of(a, "delete", {a.resource, a.ns.empty()}, a.version);
      right.ns = a.ns;
      right.subresource = a.subresource;
      right.name = a.name;
      const AuthorizationResult may_delete = co_await authorizer_->authorize(ctx, right);
      if (may_delete.decision != Decision::Allow) co_return refuse(a, "cannot set an ownerRef on a resource you can't delete: " + why(may_delete));
    }
    const References blocking = newly_blocking(references_of(a.object), references_of(a.old_object));
    if (blocking.empty()) co_return Unit{};
    if (blocking.size() > blocking_max) co_return refuse(a, "there are too many owner references that block deletion");
    AuthorizationAttributes anything = of(a, "update", {{"*", "*"}, true}, "*");
    anything.subresource = "finalizers";
    anything.name = "*";
    const AuthorizationResult may_all = co_await authorizer_->authorize(ctx, anything);
    if (may_all.decision == Decision::Allow) co_return Unit{};
    for (const auto& ref : blocking) {
      auto done = co_await check_blocking(ctx, a, ref);
      if (!done) co_return done;
    }
    co_return Unit{};
  }

 private:
  struct Kind {
    GroupResource resource;
    bool cluster_wide = false;
  };
  static AuthorizationAttributes of(const AdmissionAttributes& a, std::string_view verb, const Kind& kind, std::string_view version) {
    AuthorizationAttributes out;
    out.user = *a.user;
    out.verb = verb;
    out.group = kind.resource.group;
    out.version = version;
    out.resource = kind.resource.resource;
    if (!kind.cluster_wide) out.ns = a.ns;
    return out;
  }
  // Whoever keeps an owner from going must be able to do so by its finalizers.
  rt::Task<Result<Unit>> check_blocking(rt::Context ctx, const AdmissionAttributes& a, const api::meta_v1::OwnerReference& ref) {
    const auto slash = ref.api_version.find('/');
    const std::string group = slash == std::string::npos ? std::string() : ref.api_version.substr(0, slash);
    const std::string version = ref.api_version.substr(slash == std::string::npos ? 0 : slash + 1);
    const auto owner = reader_.find_kind({group, version, ref.kind});
    if (!owner)
      co_return refuse(a, fmt::format("cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {} Kind {}: no "
                                      "matches for kind \"{}\" in version \"{}\"",
                                      ref.api_version, ref.kind, ref.kind, ref.api_version));
    AuthorizationAttributes right = of(a, "update", {owner->resource, !owner->namespaced}, version);
    right.subresource = "finalizers";
    right.name = ref.name;
    const AuthorizationResult result = co_await authorizer_->authorize(ctx, right);
    if (result.decision == Decision::Allow) co_return Unit{};
    co_return refuse(a, "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: " + why(result));
  }

  authorization::Authorizer* authorizer_;
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_owner_references_permission_enforcement(const AdmissionDeps& deps) {
  return std::make_unique<OwnerReferencesPermissionEnforcement>(deps);
}

}  // namespace pintle::apiserver::admission
