// Steps that block, for plugins.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

inline constexpr std::string_view set_up = "MountVolume.SetUp";

// Runs blocking work that gives a Result.
template <class T>
rt::Task<Result<T>> blocking(rt::Runtime& runtime, std::function<Result<T>()> work) {
  Result<T> out = error(Reason::InternalError, "not run");
  co_await runtime.run_blocking([&] { out = work(); });
  co_return std::move(out);
}

using Space = std::optional<VolumeSpace>;
// Of the files in a directory of the node's own.
inline rt::Task<Result<Space>> space_of_tree(rt::Runtime& runtime, std::string path) {
  std::function<Result<VolumeSpace>()> work = [&] { return tree_space(path, runtime.clock()); };
  CO_TRY_ASSIGN(VolumeSpace found, co_await blocking<VolumeSpace>(runtime, std::move(work)));
  co_return Space(found);
}

inline MountedVolume at(const VolumeSpec& spec, std::string path, bool read_only) {
  MountedVolume out;
  out.name = spec.entry->name;
  out.host_path = std::move(path);
  out.read_only = read_only;
  return out;
}

inline Published set_up_failed(Status why) { return not_published(step_failed(set_up, std::move(why))); }

}  // namespace pintle::kubelet::volumes::plugins
