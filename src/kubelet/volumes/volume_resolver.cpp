#include "kubelet/volumes/volume_resolver.h"

#include "codec/json_text.h"
#include "rules/pod_claims.h"

namespace pintle::kubelet::volumes {

namespace core = api::core_v1;

rt::Task<Result<VolumeSpec>> resolve_volume(rt::Context ctx, client::Client* client, PodPtr pod, const core::Volume& entry) {
  if (kind_of(entry) != VolumeKind::Claim) co_return resolve(pod, entry);
  if (!client) co_return error(Reason::ServiceUnavailable, "no API server is configured, and the volume needs one");
  auto claim = co_await client->get<core::PersistentVolumeClaim>(ctx, pod->metadata.namespace_, rules::claim_name(*pod, entry));
  if (!claim) {
    Status why = std::move(claim).error();
    why.message = "failed to fetch PVC from API server: " + why.message;
    co_return claim_error(*pod, entry, std::move(why));
  }
  CO_TRY_ASSIGN(const std::string name, volume_of_claim(*pod, entry, *claim));
  auto persistent = co_await client->get<core::PersistentVolume>(ctx, std::string(), name);
  if (!persistent) {
    Status why = std::move(persistent).error();
    why.message = "failed to fetch PV " + name + " from API server: " + why.message;
    co_return claim_error(*pod, entry, std::move(why));
  }
  co_return resolve_claim(pod, entry, *claim, std::make_shared<const core::PersistentVolume>(std::move(*persistent)));
}

Status unsupported(const VolumeSpec& spec) {
  return {
      Reason::Invalid, 0, "failed to get Plugin from volumeSpec for volume " + codec::go_quote(spec.name()) + " err=no volume plugin matched", {}};
}

}  // namespace pintle::kubelet::volumes
