#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include "api/gen/core_v1.h"
#include "apiserver/types/errors.h"
#include "rt/sync.h"

namespace pintle::apiserver::admission {
namespace {

// A namespace may have been made through another server a moment ago: before a create is refused, the cache gets this long.
constexpr rt::Duration missing_namespace_wait = std::chrono::milliseconds(50);

bool immortal(std::string_view name) { return name == "default" || name == "kube-system" || name == "kube-public"; }

// Reviews must not tell whether a namespace exists.
bool is_access_review(const AdmissionAttributes& a) { return a.is("authorization.k8s.io", "localsubjectaccessreviews"); }

class NamespaceLifecycle : public AdmissionPlugin {
 public:
  explicit NamespaceLifecycle(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "NamespaceLifecycle"; }
  bool handles(Operation operation) const override { return operation != Operation::Connect; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (a.is("", "namespaces")) {
      if (a.operation == Operation::Delete && immortal(a.name))
        return Result<Unit>(Unexpected(errors::forbidden(a.resource, a.name, "this namespace may not be deleted")));
      return Unit{};
    }
    if (a.ns.empty() || a.operation == Operation::Delete || is_access_review(a)) return Unit{};
    const auto ns = find(a.ns);
    if (ns) return judge(a, **ns);
    if (a.operation == Operation::Create) return std::nullopt;
    return Result<Unit>(Unexpected(ns.error()));
  }
  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& a) override {
    if (auto answer = admit_now(a)) co_return std::move(*answer);
    CO_TRY(co_await rt::sleep_for(ctx, missing_namespace_wait));
    const auto ns = find(a.ns);
    if (!ns) co_return Unexpected(ns.error());
    co_return judge(a, **ns);
  }

 private:
  Result<std::shared_ptr<const api::core_v1::Namespace>> find(const std::string& name) const {
    return reader_.view_as<api::core_v1::Namespace>({"", "namespaces"}, "", name);
  }

  Result<Unit> judge(const AdmissionAttributes& a, const api::core_v1::Namespace& ns) const {
    if (a.operation != Operation::Create || ns.status.phase != "Terminating") return Unit{};
    auto refused = refuse(a, fmt::format("unable to create new content in namespace {} because it is being terminated", a.ns));
    refused.error().details.causes.push_back({"NamespaceTerminating", fmt::format("namespace {} is being terminated", a.ns), "metadata.namespace"});
    return refused;
  }

  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_namespace_lifecycle(const AdmissionDeps& deps) { return std::make_unique<NamespaceLifecycle>(deps); }

}  // namespace pintle::apiserver::admission
