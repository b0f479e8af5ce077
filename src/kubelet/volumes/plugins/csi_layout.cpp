#include "kubelet/volumes/plugins/csi_layout.h"

#include "codec/json.h"
#include "component/certificate/keys.h"
#include "component/log.h"
#include "kubelet/volumes/ownership.h"
#include "kubelet/volumes/volume_plugin.h"
#include "os/entries.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/replace_file.h"

namespace pintle::kubelet::volumes::plugins {

namespace {

constexpr std::string_view notes_file = "/vol_data.json";
constexpr uint32_t notes_directory_mode = 0750;
constexpr uint32_t notes_mode = 0644;
constexpr std::string_view devices = "volumeDevices";

std::string plugin_root(const Paths& paths) { return paths.root() + "/plugins/" + std::string(csi_plugin_name); }
std::string devices_root(const Paths& paths) { return plugin_root(paths) + "/" + std::string(devices); }

std::vector<std::string> names_of(const std::string& directory) {
  auto names = list_names(directory);
  return names ? std::move(*names) : std::vector<std::string>();
}

void add_notes(std::vector<StagedNotes>& out, const std::string& directory, std::optional<std::string> device) {
  auto notes = read_notes(directory);
  if (notes) return out.push_back({std::move(*notes), std::move(device)});
  if (notes.error().reason != Reason::NotFound)
    component::log::error("The notes of a staged volume cannot be read; it is left as it is", notes.error(), {{"directory", directory}});
}

}  // namespace

std::string notes_json(const CsiNotes& notes) {
  codec::Value out;
  out["driverName"] = notes.driver;
  out["volumeHandle"] = notes.handle;
  if (!notes.name.empty()) {
    out["specVolID"] = notes.name;
    out["nodeName"] = notes.node;
    out["attachmentID"] = notes.attachment;
    out["volumeLifecycleMode"] = notes.ephemeral ? "Ephemeral" : "Persistent";
    out["seLinuxMountContext"] = "";
  }
  return codec::to_json(out);
}

Result<CsiNotes> parse_notes(std::string_view json) {
  TRY_ASSIGN(const codec::Value value, codec::parse_json(json));
  CsiNotes out;
  out.driver = value.string_at("driverName");
  out.handle = value.string_at("volumeHandle");
  out.name = value.string_at("specVolID");
  out.node = value.string_at("nodeName");
  out.attachment = value.string_at("attachmentID");
  out.ephemeral = value.string_at("volumeLifecycleMode") == "Ephemeral";
  if (out.driver.empty() || out.handle.empty()) return error(Reason::Invalid, "vol_data.json names no driver or no volume");
  return out;
}

CsiPlace published_place(const Paths& paths, std::string_view pod_uid, std::string_view name) {
  const std::string directory = paths.volume(pod_uid, escaped_plugin_name(csi_plugin_name), name);
  return {directory, directory + "/mount"};
}

CsiPlace staged_place(const Paths& paths, std::string_view driver, std::string_view handle) {
  const std::string directory = plugin_root(paths) + "/" + std::string(driver) + "/" + component::hex(component::sha256(handle));
  return {directory, directory + "/globalmount"};
}

CsiDevicePlaces device_places(const Paths& paths, std::string_view name) {
  const std::string all = devices_root(paths);
  const std::string root = all + "/" + std::string(name);
  return {root + "/data", root, root + "/dev", all + "/staging/" + std::string(name), all + "/publish/" + std::string(name)};
}

Result<CsiNotes> read_notes(const std::string& directory) {
  TRY_ASSIGN(const std::string text, os::read_file(directory + std::string(notes_file)));
  return parse_notes(text);
}

Result<Unit> write_notes(const std::string& directory, const CsiNotes& notes) {
  TRY(os::make_directories(directory, notes_directory_mode));
  return os::replace_file(directory + std::string(notes_file), notes_json(notes), notes_mode, os::Durability::Whole);
}

Result<Unit> remove_notes(const std::string& directory) {
  TRY(os::remove_name(directory + std::string(notes_file)));
  TRY(os::remove_if_empty(directory));
  return Unit{};
}

std::vector<StagedNotes> staged_notes(const Paths& paths) {
  std::vector<StagedNotes> out;
  const std::string root = plugin_root(paths);
  for (const std::string& driver : names_of(root)) {
    if (driver == devices) continue;
    for (const std::string& volume : names_of(root + "/" + driver)) add_notes(out, root + "/" + driver + "/" + volume, std::nullopt);
  }
  for (const std::string& name : names_of(devices_root(paths))) add_notes(out, device_places(paths, name).notes, name);
  return out;
}

}  // namespace pintle::kubelet::volumes::plugins
