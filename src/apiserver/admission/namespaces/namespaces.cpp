#include <fmt/format.h>

#include "api/gen/core_v1.h"
#include "apiserver/admission/factories.h"
#include "apiserver/types/errors.h"
#include "apiserver/types/registry.h"

namespace pintle::apiserver::admission {
namespace {

using api::core_v1::Namespace;

const GroupResource namespaces{"", "namespaces"};

// Of a request in a namespace, but for the namespace itself.
bool is_within_namespace(const AdmissionAttributes& a) { return !a.ns.empty() && !(a.kind.group.empty() && a.kind.kind == "Namespace"); }

class NamespaceAutoProvision : public AdmissionPlugin {
 public:
  explicit NamespaceAutoProvision(const AdmissionDeps& deps) : reader_(deps.reader), registry_(deps.registry), runtime_(deps.runtime) {}
  std::string_view name() const override { return "NamespaceAutoProvision"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (a.dry_run || !is_within_namespace(a) || reader_.view(namespaces, "", a.ns)) return Unit{};
    return std::nullopt;
  }
  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& a) override {
    if (auto answer = admit_now(a)) co_return std::move(*answer);
    if (!registry_) co_return refuse(a, "there is no store to make the namespace in");
    RequestScope scope;
    scope.ctx = ctx;
    scope.registry = registry_;
    scope.runtime = runtime_;
    Namespace made;
    made.metadata.name = a.ns;
    made.metadata.labels["kubernetes.io/metadata.name"] = a.ns;  // a default of requests, which this is not
    GroupResource resource = namespaces;
    std::string none;
    api::Object object = api::Object::of<Namespace>(std::move(made));
    auto created = co_await registry_->create(scope, std::move(resource), std::move(none), std::move(object));
    if (!created && created.error().reason != Reason::AlreadyExists) co_return refuse(a, created.error().message);
    co_return Unit{};
  }

 private:
  const ResourceReader& reader_;
  Registry* registry_;
  rt::Runtime* runtime_;
};

class NamespaceExists : public AdmissionPlugin {
 public:
  explicit NamespaceExists(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "NamespaceExists"; }
  bool handles(Operation operation) const override { return operation != Operation::Connect; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!is_within_namespace(a)) return Unit{};
    if (const auto found = reader_.view(namespaces, "", a.ns); !found) return Result<Unit>(Unexpected(found.error()));
    return Unit{};
  }

 private:
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_namespace_auto_provision(const AdmissionDeps& deps) { return std::make_unique<NamespaceAutoProvision>(deps); }
std::unique_ptr<AdmissionPlugin> make_namespace_exists(const AdmissionDeps& deps) { return std::make_unique<NamespaceExists>(deps); }

}  // namespace pintle::apiserver::admission
