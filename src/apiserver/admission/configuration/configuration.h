// --admission-control-config-file: an AdmissionConfiguration, whose entries hold a plugin's settings or name a file of them.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/admission/settings.h"
#include "base/status.h"
#include "rt/file.h"

namespace pintle::apiserver::admission {

constexpr std::size_t configuration_bytes_max = 1 << 20;  // of each file

// "" : nothing is configured. Invalid with one line that names the file: one that cannot be read, an unknown plugin, a field or a version that
// is not known, a value that the plugin refuses. Paths in the file are relative to it.
Result<PluginSettings> read_plugin_settings(rt::Disk& disk, const std::string& path);

}  // namespace pintle::apiserver::admission
