#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "api/gen/core_v1.h"
#include "apiserver/admission/service_account/token_volume.h"
#include "apiserver/authorization/node/pod_references.h"
#include "rt/sync.h"
#include "rules/pod_references.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

// The default account of a new namespace is made by a controller: a pod may come first.
constexpr int default_account_attempts = 10;
constexpr rt::Duration default_account_interval = std::chrono::milliseconds(150);
constexpr std::string_view default_account = "default";
constexpr std::string_view enforce_annotation = "kubernetes.io/enforce-mountable-secrets";

bool is_true(std::string_view text) {
  for (const char* word : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == word) return true;
  return false;
}

bool automounts(const ServiceAccount& account, const Pod& pod) {
  if (pod.spec.automount_service_account_token) return *pod.spec.automount_service_account_token;
  return account.automount_service_account_token.value_or(true);
}

using Names = std::unordered_set<std::string_view>;

Names names_of(const auto& references) {
  Names out;
  for (const auto& reference : references) out.insert(reference.name);
  return out;
}

// The secrets that containers take into their environment.
template <class Containers>
std::string stray_secret(const Containers& containers, std::string_view kind, const ServiceAccount& account, const Names& secrets) {
  for (const auto& container : containers) {
    for (const auto& variable : container.env)
      if (variable.value_from && variable.value_from->secret_key_ref && !secrets.contains(variable.value_from->secret_key_ref->name))
        return fmt::format(
            "{} {} with envVar {} referencing secret.secretName=\"{}\" is not allowed because service account {} does not reference that secret",
            kind, container.name, variable.name, variable.value_from->secret_key_ref->name, account.metadata.name);
    for (const auto& source : container.env_from)
      if (source.secret_ref && !secrets.contains(source.secret_ref->name))
        return fmt::format(
            "{} {} with envFrom referencing secret.secretName=\"{}\" is not allowed because service account {} does not reference that secret", kind,
            container.name, source.secret_ref->name, account.metadata.name);
  }
  return {};
}

std::string stray_reference(const ServiceAccount& account, const Pod& pod) {
  const Names secrets = names_of(account.secrets), pull_secrets = names_of(account.image_pull_secrets);
  for (const auto& volume : pod.spec.volumes)
    if (volume.secret && !secrets.contains(volume.secret->secret_name))
      return fmt::format("volume with secret.secretName=\"{}\" is not allowed because service account {} does not reference that secret",
                         volume.secret->secret_name, account.metadata.name);
  if (auto stray = stray_secret(pod.spec.init_containers, "init container", account, secrets); !stray.empty()) return stray;
  if (auto stray = stray_secret(pod.spec.containers, "container", account, secrets); !stray.empty()) return stray;
  for (std::size_t i = 0; i < pod.spec.image_pull_secrets.size(); ++i)
    if (!pull_secrets.contains(pod.spec.image_pull_secrets[i].name))
      return fmt::format("imagePullSecrets[{}].name=\"{}\" is not allowed because service account {} does not reference that imagePullSecret", i,
                         pod.spec.image_pull_secrets[i].name, account.metadata.name);
  return {};
}

bool is_mirror(const Pod& pod) { return pod.metadata.annotations.contains(authorization::node::mirror_annotation); }

Result<Unit> check_mirror(const AdmissionAttributes& a, const Pod& pod) {
  if (!pod.spec.service_account_name.empty()) return refuse(a, "a mirror pod may not reference service accounts");
  if (!rules::secret_names(pod).empty()) return refuse(a, "a mirror pod may not reference secrets");
  for (const auto& volume : pod.spec.volumes)
    if (volume.projected && std::any_of(volume.projected->sources.begin(), volume.projected->sources.end(),
                                        [](const VolumeProjection& source) { return source.service_account_token.has_value(); }))
      return refuse(a, "a mirror pod may not use ServiceAccountToken volume projections");
  return Unit{};
}

class ServiceAccountPlugin : public AdmissionPlugin {
 public:
  explicit ServiceAccountPlugin(const AdmissionDeps& deps) : reader_(deps.reader), random_(*deps.random) {}
  std::string_view name() const override { return "ServiceAccount"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    Pod* pod = pod_of(a);
    if (!pod) return Unit{};
    if (a.operation != Operation::Create || !a.subresource.empty()) return validate_now(a);
    if (is_mirror(*pod)) return check_mirror(a, *pod);
    auto& name = pod->spec.service_account_name;
    if (name.empty()) name = pod->spec.service_account.empty() ? std::string(default_account) : pod->spec.service_account;
    const auto account = find(a, *pod);
    if (account) return apply(a, **account, *pod);
    if (name == default_account) return std::nullopt;
    return Result<Unit>(missing(a, *pod));
  }

  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& a) override {
    for (int attempt = 1;; ++attempt) {
      if (auto answer = admit_now(a)) co_return std::move(*answer);
      if (attempt == default_account_attempts) co_return missing(a, *pod_of(a));
      CO_TRY(co_await rt::sleep_for(ctx, default_account_interval));
    }
  }

  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const Pod* pod = pod_of(a);
    const bool ephemeral = a.operation == Operation::Update && a.subresource == "ephemeralcontainers";
    if (!pod || (a.operation != Operation::Create && !ephemeral)) return Unit{};
    if (is_mirror(*pod)) return check_mirror(a, *pod);
    if (pod->spec.service_account_name.empty())
      return Result<Unit>(refuse(a, fmt::format("no service account specified for pod {}/{}", a.ns, pod->metadata.name)));
    const auto account = find(a, *pod);
    if (!account) return Result<Unit>(missing(a, *pod));
    const std::string* enforce = (*account)->metadata.annotations.get(enforce_annotation);
    if (!enforce || !is_true(*enforce)) return Unit{};
    const std::string stray = ephemeral
                                  ? stray_secret(pod->spec.ephemeral_containers, "ephemeral container", **account, names_of((*account)->secrets))
                                  : stray_reference(**account, *pod);
    if (!stray.empty()) return Result<Unit>(refuse(a, stray));
    return Unit{};
  }

 private:
  static Pod* pod_of(const AdmissionAttributes& a) {
    if (!is_pods(a) || (!a.subresource.empty() && a.subresource != "ephemeralcontainers")) return nullptr;
    return a.object_as<Pod>();
  }
  Result<std::shared_ptr<const ServiceAccount>> find(const AdmissionAttributes& a, const Pod& pod) const {
    return reader_.view_as<ServiceAccount>({"", "serviceaccounts"}, a.ns, pod.spec.service_account_name);
  }
  static Unexpected<Status> missing(const AdmissionAttributes& a, const Pod& pod) {
    const std::string& name = pod.spec.service_account_name;
    return refuse(a, fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" not found", a.ns, name, name));
  }
  AdmissionNow apply(const AdmissionAttributes& a, const ServiceAccount& account, Pod& pod) {
    pod.spec.service_account = pod.spec.service_account_name;  // the deprecated field shows the same
    if (automounts(account, pod)) mount_token_volume(pod, random_);
    if (pod.spec.image_pull_secrets.empty()) pod.spec.image_pull_secrets = account.image_pull_secrets;
    return validate_now(a);
  }

  const ResourceReader& reader_;
  rt::Random& random_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_service_account(const AdmissionDeps& deps) { return std::make_unique<ServiceAccountPlugin>(deps); }

}  // namespace pintle::apiserver::admission
