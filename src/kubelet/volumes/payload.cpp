#include "kubelet/volumes/payload.h"

namespace pintle::kubelet::volumes {

namespace core = api::core_v1;

namespace {

constexpr std::size_t path_bytes_max = 4096;

PayloadFile file(std::string data, const std::optional<int32_t>& mode, uint32_t default_mode) {
  PayloadFile out;
  out.data = std::move(data);
  out.mode = mode ? static_cast<uint32_t>(*mode) : default_mode;
  return out;
}

Result<Unit> check_path(std::string_view path) {
  if (path.empty()) return error(Reason::Invalid, "invalid path: must not be empty: \"\"");
  if (path.starts_with('/')) return error(Reason::Invalid, "invalid path: must be relative path: " + std::string(path));
  if (path.size() > path_bytes_max)
    return error(Reason::Invalid, "invalid path: must be less than or equal to " + std::to_string(path_bytes_max) + " characters");
  if (path.starts_with("..") && path.size() > 2 && path[2] != '/')
    return error(Reason::Invalid, "invalid path: must not start with '..': " + std::string(path));
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return error(Reason::Invalid, "invalid path: must not contain '..': " + std::string(path));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  return Unit{};
}

}  // namespace

Result<Payload> config_map_payload(const std::vector<core::KeyToPath>& items, const core::ConfigMap& object, uint32_t default_mode, bool optional) {
  Payload out;
  if (items.empty()) {
    for (const auto& [key, value] : object.data) out[key] = file(value, {}, default_mode);
    for (const auto& [key, value] : object.binary_data) out[key] = file(value, {}, default_mode);
    return out;
  }
  for (const core::KeyToPath& item : items) {
    const std::string* value = object.data.get(item.key);
    if (!value) value = object.binary_data.get(item.key);
    if (value)
      out[item.path] = file(*value, item.mode, default_mode);
    else if (!optional)
      return error(Reason::NotFound, "configmap references non-existent config key: " + item.key);
  }
  return out;
}

Result<Payload> secret_payload(const std::vector<core::KeyToPath>& items, const core::Secret& object, uint32_t default_mode, bool optional) {
  Payload out;
  if (items.empty()) {
    for (const auto& [key, value] : object.data) out[key] = file(value, {}, default_mode);
    return out;
  }
  for (const core::KeyToPath& item : items) {
    if (const std::string* value = object.data.get(item.key))
      out[item.path] = file(*value, item.mode, default_mode);
    else if (!optional)
      return error(Reason::NotFound, "references non-existent secret key: " + item.key);
  }
  return out;
}

Result<Payload> downward_payload(const std::vector<core::DownwardAPIVolumeFile>& items, const core::Pod& pod,
                                 const FlatMap<api::Quantity>& node_allocatable, uint32_t default_mode) {
  Payload out;
  for (const core::DownwardAPIVolumeFile& item : items) {
    std::string text;
    if (item.field_ref) {
      TRY_ASSIGN(text, downward::field_value(pod, item.field_ref->field_path, {}));
    } else if (item.resource_field_ref) {
      TRY_ASSIGN(text, downward::resource_value_text(pod, nullptr, *item.resource_field_ref, node_allocatable));
    }
    out[item.path] = file(std::move(text), item.mode, default_mode);
  }
  return out;
}

Result<Unit> check_payload(const Payload& payload) {
  for (const auto& [path, file] : payload) TRY(check_path(path));
  return Unit{};
}

std::optional<uint32_t> common_user(const core::Pod& pod) {
  std::optional<int64_t> user;
  const auto add = [&](const core::Container& container) {
    std::optional<int64_t> own;
    if (pod.spec.security_context) own = pod.spec.security_context->run_as_user;
    if (container.security_context && container.security_context->run_as_user) own = container.security_context->run_as_user;
    if (!own || (user && *user != *own)) return false;
    user = own;
    return true;
  };
  for (const core::Container& container : pod.spec.init_containers)
    if (!add(container)) return std::nullopt;
  for (const core::Container& container : pod.spec.containers)
    if (!add(container)) return std::nullopt;
  if (!user) return std::nullopt;
  return static_cast<uint32_t>(*user);
}

}  // namespace pintle::kubelet::volumes
