#include "kubelet/images/node_credentials.h"

#include "component/log.h"

namespace pintle::kubelet::images {

namespace {

constexpr rt::Duration kept_for = std::chrono::minutes(5);
constexpr std::size_t file_bytes_max = 1 << 20;

}  // namespace

NodeCredentials::NodeCredentials(rt::Runtime& runtime, std::string root_dir, std::string home) : runtime_(runtime) {
  const std::string user = home == "/" ? "" : home;
  std::vector<std::string> json = {root_dir, ".", user + "/.docker", "/.docker"}, older = {root_dir, ".", user + "/", "/"};
  for (const std::string& folder : json) places_.push_back({folder + "/config.json", true});
  for (const std::string& folder : older) places_.push_back({folder + (folder.ends_with('/') ? "" : "/") + ".dockercfg", false});
}

// Blocks.
std::vector<RegistryCredential> NodeCredentials::read() const {
  for (const Place& place : places_) {
    const auto text = runtime_.disk().read(place.path, file_bytes_max);
    if (!text) continue;
    auto found = credentials_of_docker(*text, place.under_auths);
    if (found) return std::move(*found);
    // Without the reason, which may quote the file.
    component::log::warning("A file with credentials for registries is not understood", {{"path", place.path}});
  }
  return {};
}

rt::Task<std::vector<RegistryCredential>> NodeCredentials::all() {
  const auto now = runtime_.clock().now();
  if (read_at_ && now - *read_at_ < kept_for) co_return known_;
  std::vector<RegistryCredential> found;
  co_await runtime_.run_blocking([&] { found = read(); });
  known_ = std::move(found);
  read_at_ = now;
  co_return known_;
}

}  // namespace pintle::kubelet::images
