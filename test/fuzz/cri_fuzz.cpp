// What a container runtime answers: whatever the bytes, an answer is decoded or refused, and what was decoded is stable.
#include <array>

#include "api/codec.h"
#include "api/gen/cri_v1.h"
#include "base/check.h"
#include "driver.h"
#include "kubelet/images/image_plan.h"

namespace pintle::fuzz {
namespace {

namespace cri = api::cri_v1;

const api::Type& type_by(unsigned char choice) {
  static const std::array types = {&api::type_of<cri::ListContainersResponse>(),     &api::type_of<cri::ContainerStatusResponse>(),
                                   &api::type_of<cri::PodSandboxStatusResponse>(),   &api::type_of<cri::StatusResponse>(),
                                   &api::type_of<cri::ListImagesResponse>(),         &api::type_of<cri::ImageStatusResponse>(),
                                   &api::type_of<cri::ListContainerStatsResponse>(), &api::type_of<cri::ExecSyncResponse>(),
                                   &api::type_of<cri::ContainerEventResponse>()};
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
  if (&type == &api::type_of<cri::StatusResponse>()) (void)kubelet::images::sandbox_image(object.as<cri::StatusResponse>().info);
}

std::vector<std::string> seeds() {
  cri::ListContainersResponse containers;
  auto& container = containers.containers.emplace_back();
  container.id = "c1";
  container.labels["io.kubernetes.pod.uid"] = "u1";
  container.created_at = 1;
  cri::ContainerStatusResponse status;
  auto& inner = status.status.ensure();
  inner.id = "c1";
  inner.exit_code = -1;
  inner.annotations["a"] = "b";
  inner.mounts.emplace_back().host_path = "/x";
  cri::PodSandboxStatusResponse sandbox;
  sandbox.status.ensure().network.ensure().ip = "10.0.0.1";
  cri::StatusResponse runtime;
  runtime.info["config"] = R"({"sandboxImage": "registry.k8s.io/pause:3.10"})";
  cri::ListImagesResponse images;
  images.images.emplace_back().repo_tags = {"docker.io/library/busybox:1.36"};
  cri::ExecSyncResponse exec;
  exec.stdout = "\xff\xfe";
  return {seed(0, containers), seed(1, status), seed(2, sandbox), seed(3, runtime), seed(4, images), seed(7, exec)};
}
std::vector<std::string> tokens() {
  return {
      std::string("\x0A\x00", 2), "\x12\x02\x0A\x00", "\x80\x01", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "\x0B", "\x0C", "\x08\x01", "config",
      "{\"sandboxImage\":"};
}

}  // namespace pintle::fuzz
