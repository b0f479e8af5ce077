#include "controller/selinux_warning/labels.h"

#include <array>

namespace pintle::controller::selinux_warning {

namespace {

std::array<std::string_view, 4> parts_of(std::string_view label) {
  std::array<std::string_view, 4> out;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto colon = label.find(':');
    out[i] = label.substr(0, colon);
    label = colon == label.npos ? std::string_view() : label.substr(colon + 1);
  }
  out[3] = label;  // a level has colons of its own
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out = "[";
  for (const std::string& word : words) out += (out.size() > 1 ? " " : "") + word;
  return out + "]";
}

// FCVolumeSource and ISCSIVolumeSource of pods, and what volumes have in their place, have these fields by the same names.
template <class Fc>
std::string fc_name(const Fc& fc) {
  if (!fc.target_wwns.empty() && fc.lun) return "kubernetes.io/fc/" + joined(fc.target_wwns) + ":" + std::to_string(*fc.lun);
  return fc.wwids.empty() ? "" : "kubernetes.io/fc/" + joined(fc.wwids);
}
template <class Iscsi>
std::string iscsi_name(const Iscsi& iscsi) {
  return "kubernetes.io/iscsi/" + iscsi.target_portal + ":" + iscsi.iqn + ":" + std::to_string(iscsi.lun);
}

}  // namespace

std::string label_of(const api::core_v1::SELinuxOptions& options) {
  std::string out = options.user + ":" + options.role + ":" + options.type + ":" + options.level;
  return out == ":::" ? "" : out;
}

bool in_conflict(std::string_view a, std::string_view b) {
  const auto left = parts_of(a), right = parts_of(b);
  for (std::size_t i = 0; i < 3; ++i)
    if (left[i] != right[i] && !left[i].empty() && !right[i].empty()) return true;
  return left[3] != right[3];
}

std::map<std::string, std::set<std::string>> labels_of_volumes(const api::core_v1::Pod& pod) {
  std::map<std::string, std::set<std::string>> out;
  const auto visit = [&](const auto& container) {
    const api::core_v1::SELinuxOptions* options = pod.spec.security_context ? pod.spec.security_context->se_linux_options.get() : nullptr;
    if (container.security_context && container.security_context->se_linux_options) options = container.security_context->se_linux_options.get();
    for (const auto& mount : container.volume_mounts) {
      std::set<std::string>& labels = out[mount.name];
      if (options != nullptr) labels.insert(label_of(*options));
    }
  };
  for (const auto& container : pod.spec.init_containers) visit(container);
  for (const auto& container : pod.spec.containers) visit(container);
  for (const auto& container : pod.spec.ephemeral_containers) visit(container);
  return out;
}

Labelling labelling_of(const api::core_v1::Pod& pod, std::string label, bool mountable) {
  const bool asks = pod.spec.security_context && pod.spec.security_context->se_linux_change_policy == recursive;
  if (label.empty() || asks || !mountable) return {"", std::string(recursive)};
  return {std::move(label), std::string(mount_option)};
}

VolumeIdentity identity_of(const api::core_v1::PersistentVolumeSpec& spec) {
  if (spec.csi) return {"kubernetes.io/csi/" + spec.csi->driver + "^" + spec.csi->volume_handle, spec.csi->driver};
  if (spec.iscsi) return {iscsi_name(*spec.iscsi), ""};
  if (spec.fc) return {fc_name(*spec.fc), ""};
  return {};
}

VolumeIdentity identity_of(const api::core_v1::Volume& volume) {
  if (volume.iscsi) return {iscsi_name(*volume.iscsi), ""};
  if (volume.fc) return {fc_name(*volume.fc), ""};
  return {};
}

}  // namespace pintle::controller::selinux_warning
