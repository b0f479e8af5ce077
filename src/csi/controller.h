// Controller: what of a CSI driver's Controller service makes, grows and takes away volumes. A driver that a node has is reached by its socket
// (driver.h), or through whoever serves it there (remote_controller.h).
#pragma once

#include "api/gen/csi_v1.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::csi {

// Upstream's for every call.
constexpr rt::Duration call_timeout_default = std::chrono::minutes(2);
constexpr std::size_t answer_bytes_max = 1 << 20;
// Of an error's text, which ends up in events and statuses.
constexpr std::size_t error_bytes_max = 4 << 10;

class Controller {
 public:
  template <class T>
  using Answer = rt::Task<Result<T>>;

  virtual ~Controller() = default;
  virtual Answer<api::csi_v1::CreateVolumeResponse> create(rt::Context ctx, api::csi_v1::CreateVolumeRequest request) = 0;
  virtual Answer<Unit> remove(rt::Context ctx, api::csi_v1::DeleteVolumeRequest request) = 0;
  virtual Answer<api::csi_v1::ControllerExpandVolumeResponse> controller_expand(rt::Context ctx,
                                                                                api::csi_v1::ControllerExpandVolumeRequest request) = 0;
  virtual Answer<api::csi_v1::GetCapacityResponse> capacity(rt::Context ctx, api::csi_v1::GetCapacityRequest request) = 0;
};

}  // namespace pintle::csi
