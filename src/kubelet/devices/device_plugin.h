// DevicePlugin: one plugin of a resource, as it registered: its options, and the calls to it. Belongs to the kubelet's executor.
#pragma once

#include <memory>
#include <string>

#include "api/gen/deviceplugin_v1beta1.h"
#include "kubelet/devices/device_list.h"
#include "net/grpc/channel.h"
#include "os/fd.h"
#include "rpc/typed_stream.h"
#include "rt/runtime.h"

namespace pintle::kubelet::devices {

// Of one answer; as much as a Go client takes by default.
constexpr std::size_t answer_bytes_max = 4 << 20;

// How long each call may take: a plugin that says nothing holds up the pod that wants its devices, and no longer than this.
struct DeviceTiming {
  rt::Duration dial = std::chrono::seconds(10);
  rt::Duration options = std::chrono::seconds(10);
  rt::Duration preferred = std::chrono::seconds(30);
  rt::Duration allocate = std::chrono::seconds(60);
  rt::Duration pre_start = std::chrono::seconds(30);
  rt::Duration list_pause = std::chrono::milliseconds(200);  // between two lists of one plugin: each may change the Node, and is looked at by pods
  rt::Duration kept = std::chrono::minutes(5);               // what a plugin that has ended had is told as capacity so long
  rt::Duration come_back = std::chrono::minutes(5);          // pods of an earlier life wait so long for their plugins
};

class DevicePlugin {
 public:
  // By a socket's path below `folder`, which plugins write into: no link is followed, and nothing leads out. Blocks.
  static Result<std::shared_ptr<DevicePlugin>> open_below(const std::string& folder, const std::string& path);
  // By any path.
  static std::shared_ptr<DevicePlugin> at(std::string path);

  // Dials it and asks for its options. Once, before the calls below.
  rt::Task<Result<Unit>> connect(rt::Runtime& runtime, rt::Context ctx, const DeviceTiming& timing);
  rt::Task<void> close();

  rt::Task<Result<rpc::Stream<api::deviceplugin_v1beta1::ListAndWatchResponse>>> list_and_watch(rt::Context ctx);
  // What it prefers of `offered`, `taken` among it.
  rt::Task<Result<DeviceIds>> preferred(rt::Context ctx, DeviceIds offered, DeviceIds taken, std::size_t size);
  rt::Task<Result<api::deviceplugin_v1beta1::ContainerAllocateResponse>> allocate(rt::Context ctx, DeviceIds ids);
  rt::Task<Result<Unit>> pre_start(rt::Context ctx, DeviceIds ids);

  const api::deviceplugin_v1beta1::DevicePluginOptions& options() const { return options_; }
  // Done when it is to be left: another has taken its place, or its socket is gone.
  const rt::Context& life() const { return life_; }
  void leave() { life_.cancel(); }

 private:
  os::UniqueFd socket_;  // open as long as it may be dialed
  std::string target_;
  DeviceTiming timing_;
  std::unique_ptr<net::grpc::Channel> channel_;
  api::deviceplugin_v1beta1::DevicePluginOptions options_;
  rt::Context life_ = rt::Context::background().child();
};

}  // namespace pintle::kubelet::devices
