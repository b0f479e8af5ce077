// What plugins of a node say: storage drivers, device plugins, whoever puts a socket into plugins_registry, and who asks for pod resources. Whatever
// the bytes, an answer is decoded or refused, and what was decoded is stable.
#include <array>

#include "api/codec.h"
#include "api/gen/csi_v1.h"
#include "api/gen/deviceplugin_v1beta1.h"
#include "api/gen/pluginregistration_v1.h"
#include "api/gen/podresources_v1.h"
#include "base/check.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

namespace csi = api::csi_v1;
namespace devices = api::deviceplugin_v1beta1;
namespace pod_resources = api::podresources_v1;
namespace registration = api::pluginregistration_v1;

const api::Type& type_by(unsigned char choice) {
  static const std::array types = {&api::type_of<registration::PluginInfo>(),
                                   &api::type_of<csi::NodeGetInfoResponse>(),
                                   &api::type_of<csi::NodeGetCapabilitiesResponse>(),
                                   &api::type_of<csi::NodeGetVolumeStatsResponse>(),
                                   &api::type_of<csi::NodeExpandVolumeResponse>(),
                                   &api::type_of<csi::GetPluginInfoResponse>(),
                                   &api::type_of<csi::NodeGetVolumeHealthResponse>(),
                                   &api::type_of<csi::CreateVolumeRequest>(),
                                   &api::type_of<csi::NodePublishVolumeRequest>(),
                                   &api::type_of<devices::RegisterRequest>(),
                                   &api::type_of<devices::ListAndWatchResponse>(),
                                   &api::type_of<devices::AllocateResponse>(),
                                   &api::type_of<devices::PreferredAllocationResponse>(),
                                   &api::type_of<pod_resources::GetPodResourcesRequest>()};
  return *types[choice % types.size()];
}

template <class T>
std::string seed(unsigned char choice, const T& message) {
  std::string out(1, static_cast<char>(choice));
  api::encode_proto(api::type_of<T>(), &message, out);
  return out;
}

}  // namespace

void one(std::string_view input) {
  if (input.empty()) return;
  const api::Type& type = type_by(static_cast<unsigned char>(input[0]));
  api::Object object(type);
  if (!api::decode_proto(input.substr(1), type, object.data())) return;
  std::string bytes, again;
  api::encode_proto(type, object.data(), bytes);
  api::Object back(type);
  CHECK(api::decode_proto(bytes, type, back.data()).has_value(), "our own protobuf decodes");
  api::encode_proto(type, back.data(), again);
  CHECK(again == bytes, "protobuf is stable");
}

std::vector<std::string> seeds() {
  registration::PluginInfo info;
  info.type = "CSIPlugin";
  info.name = "hostpath.csi.k8s.io";
  info.endpoint = "/var/lib/kubelet/plugins/csi-hostpath/csi.sock";
  info.supported_versions = {"1.0.0"};
  csi::NodeGetInfoResponse node;
  node.node_id = "n1";
  node.max_volumes_per_node = 16;
  node.accessible_topology.ensure().segments["topology.hostpath.csi/node"] = "n1";
  csi::NodeGetCapabilitiesResponse capabilities;
  capabilities.capabilities.emplace_back().rpc.ensure().type = 1;
  csi::NodeGetVolumeStatsResponse stats;
  stats.usage.emplace_back().total = -1;
  csi::CreateVolumeRequest create;
  create.accessibility_requirements.ensure().requisite.emplace_back().segments["a"] = "b";
  create.volume_content_source.ensure().snapshot.ensure().snapshot_id = "s";
  create.volume_capabilities.emplace_back().mount.ensure().mount_flags = {"noatime"};
  devices::ListAndWatchResponse listed;
  auto& device = listed.devices.emplace_back();
  device.id = "gpu-0";
  device.health = "Healthy";
  device.topology.ensure().nodes.emplace_back().id = 1;
  devices::AllocateResponse allocated;
  auto& container = allocated.container_responses.emplace_back();
  container.envs["A"] = "b";
  container.devices.emplace_back().host_path = "/dev/null";
  container.cdi_devices.emplace_back().name = "vendor.com/gpu=0";
  return {seed(0, info), seed(1, node), seed(2, capabilities), seed(3, stats), seed(7, create), seed(10, listed), seed(11, allocated)};
}
std::vector<std::string> tokens() {
  return {std::string("\x0A\x00", 2), "\x12\x02\x0A\x00", "\x80\x01", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "\x0B", "\x0C", "\x08\x01"};
}

}  // namespace pintle::fuzz
