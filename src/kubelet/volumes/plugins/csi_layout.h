// Where CSI volumes lie below the kubelet's root and what is noted beside them: upstream's layout, so that either kubelet finds what the other
// left. The notes name no secret. read_notes() and write_notes() block.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kubelet/types/paths.h"

namespace pintle::kubelet::volumes::plugins {

inline constexpr std::string_view csi_plugin_name = "kubernetes.io/csi";

// vol_data.json.
struct CsiNotes {
  std::string driver;
  std::string handle;
  // Of what is published alone.
  std::string name;  // of the PersistentVolume, or the pod's entry
  std::string node;
  std::string attachment;  // of the VolumeAttachment
  bool ephemeral = false;
  bool operator==(const CsiNotes&) const = default;
};
std::string notes_json(const CsiNotes& notes);
// Invalid: no object, or a driver or handle is missing.
Result<CsiNotes> parse_notes(std::string_view json);

// A directory with vol_data.json, and where in it, or elsewhere, the driver mounts.
struct CsiPlace {
  std::string notes;   // the directory
  std::string target;  // "" of a device's notes
};
// Of a pod, with a file system.
CsiPlace published_place(const Paths& paths, std::string_view pod_uid, std::string_view name);
// Of the node, with a file system; handles may be any text.
CsiPlace staged_place(const Paths& paths, std::string_view driver, std::string_view handle);

// A device.
struct CsiDevicePlaces {
  std::string notes;    // the directory of vol_data.json
  std::string root;     // what goes when nobody has it any more
  std::string maps;     // below it a bind mount for each pod
  std::string stage;    // a directory of the driver's
  std::string publish;  // below it a file for each pod
};
CsiDevicePlaces device_places(const Paths& paths, std::string_view name);

// NotFound: there are none.
Result<CsiNotes> read_notes(const std::string& directory);
// Makes the directory.
Result<Unit> write_notes(const std::string& directory, const CsiNotes& notes);
// Takes the notes and the directory away, if nothing else is in it.
Result<Unit> remove_notes(const std::string& directory);

struct StagedNotes {
  CsiNotes notes;
  std::optional<std::string> device;  // of a device: the name of its PersistentVolume
};
// Of all that is staged for the node; what cannot be read is left out. Blocks.
std::vector<StagedNotes> staged_notes(const Paths& paths);

}  // namespace pintle::kubelet::volumes::plugins
