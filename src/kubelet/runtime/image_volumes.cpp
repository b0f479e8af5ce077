// Image volumes: their images are pulled like those of containers, before the container that mounts them is made.
#include <algorithm>

#include "kubelet/runtime/pod_runtime.h"

namespace pintle::kubelet::runtime {

using namespace api::core_v1;
using Images = Expected<FlatMap<std::string>, WaitingReason>;

rt::Task<Images> PodRuntime::pull_image_volumes(rt::Context ctx, PodPtr pod, std::string container, api::cri_v1::PodSandboxConfig sandbox) {
  FlatMap<std::string> out;
  const auto mounting = container_config::find_container(pod->spec, container);
  for (const Volume& volume : pod->spec.volumes) {
    if (!volume.image || volume.image->reference.empty() || !mounting) continue;
    if (std::ranges::none_of(mounting->volume_mounts, [&](const VolumeMount& mount) { return mount.name == volume.name; })) continue;
    images::ImageRequest request;
    request.pod = pod;
    request.image = volume.image->reference;
    request.pull_policy = volume.image->pull_policy;
    request.sandbox = sandbox;
    auto pulled = co_await deps_.images.ensure(ctx, std::move(request));
    if (!pulled) {
      if (!ctx.done()) deps_.events.warning(*pod, container, "Failed", "Error: " + pulled.error().reason);
      co_return Unexpected(std::move(pulled).error());
    }
    out[volume.name] = std::move(pulled->ref);
  }
  co_return std::move(out);
}

}  // namespace pintle::kubelet::runtime
