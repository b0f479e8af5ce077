#include "scheduler/framework/pod_status.h"

#include "codec/json.h"

namespace pintle::scheduler {

rt::Task<Result<Unit>> patch_status(client::Client& client, rt::Context ctx, PodPtr pod, codec::Value status) {
  codec::Value patch;
  patch["metadata"]["uid"] = pod->metadata.uid;
  patch["status"] = std::move(status);
  client::PatchOptions options;
  options.subresource = "status";
  std::string body = codec::to_json(patch);
  CO_TRY(co_await client.patch<Pod>(ctx, pod->metadata.namespace_, pod->metadata.name, client::PatchType::Strategic, std::move(body),
                                    std::move(options)));
  co_return Unit{};
}

}  // namespace pintle::scheduler
