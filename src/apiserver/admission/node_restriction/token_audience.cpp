#include "apiserver/admission/node_restriction/token_audience.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/storage_v1.h"
#include "apiserver/authorization/authorizer.h"
#include "rules/pod_claims.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

std::string driver_of_claim(const ResourceReader& reader, const std::string& ns, const std::string& claim_name) {
  const auto claim = reader.get_as<PersistentVolumeClaim>({"", "persistentvolumeclaims"}, ns, claim_name);
  if (!claim || claim->spec.volume_name.empty()) return {};
  const auto volume = reader.get_as<PersistentVolume>({"", "persistentvolumes"}, "", claim->spec.volume_name);
  return volume && volume->spec.csi ? volume->spec.csi->driver : std::string();
}

std::string driver_of(const ResourceReader& reader, const Pod& pod, const Volume& volume) {
  if (const std::string claim = rules::claim_name(pod, volume); !claim.empty()) return driver_of_claim(reader, pod.metadata.namespace_, claim);
  return volume.csi ? volume.csi->driver : std::string();
}

bool pod_needs(const ResourceReader& reader, const Pod& pod, const std::string& audience) {
  const auto projects = [&](const VolumeProjection& source) {
    return source.service_account_token && source.service_account_token->audience == audience;
  };
  for (const auto& volume : pod.spec.volumes) {
    if (volume.projected && std::any_of(volume.projected->sources.begin(), volume.projected->sources.end(), projects)) return true;
    const std::string driver_name = driver_of(reader, pod, volume);
    if (driver_name.empty()) continue;
    const auto driver = reader.get_as<api::storage_v1::CSIDriver>({"storage.k8s.io", "csidrivers"}, "", driver_name);
    if (!driver) continue;
    for (const auto& token : driver->spec.token_requests)
      if (token.audience == audience) return true;
  }
  return false;
}

}  // namespace

std::string audience_refusal(const ResourceReader& reader, authorization::Authorizer* authorizer, const AdmissionAttributes& a,
                             const api::authentication_v1::TokenRequest& request, const Pod& pod) {
  if (request.spec.audiences.size() > 1) return "node may only request 0 or 1 audiences";
  const std::string audience = request.spec.audiences.empty() ? std::string() : request.spec.audiences[0];
  if (pod_needs(reader, pod, audience)) return {};
  authorization::AuthorizationAttributes right;
  right.user = *a.user;
  right.verb = "request-serviceaccounts-token-audience";
  right.version = "v1";
  right.ns = a.ns;
  right.resource = audience;
  right.name = a.name;
  const auto answer = authorizer ? authorizer->authorize_now(right) : std::nullopt;
  if (answer && answer->decision == authorization::Decision::Allow) return {};
  return fmt::format("audience \"{}\" not found in pod spec volume, {} is not authorized to request tokens for this audience", audience,
                     a.user->name);
}

}  // namespace pintle::apiserver::admission
