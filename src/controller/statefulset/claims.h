// Claims: the PersistentVolumeClaims of StatefulSets on the server, and who owns them by the retention policy.
#pragma once

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informers.h"
#include "controller/pods/pod_state.h"
#include "controller/statefulset/identity.h"

namespace pintle::controller::statefulset {

class Claims {
 public:
  Claims(client::Client& client, client::Informers& informers, client::EventRecorder& events)
      : client_(client), claims_(informers.of<PersistentVolumeClaim>()), events_(events) {}
  // Makes those of the ordinal that are not there.
  rt::Task<Result<Unit>> ensure(rt::Context ctx, std::shared_ptr<const StatefulSet> set, int32_t ordinal);
  // Whether one of them goes with a former pod of the ordinal.
  bool stale(const StatefulSet& set, int32_t ordinal) const;
  // Their owner references say when they go (claim_owners.h).
  rt::Task<Result<Unit>> settle_owners(rt::Context ctx, std::shared_ptr<const StatefulSet> set, pods::PodPtr pod);

 private:
  client::Client& client_;
  client::Informer<PersistentVolumeClaim> claims_;
  client::EventRecorder& events_;
};

}  // namespace pintle::controller::statefulset
