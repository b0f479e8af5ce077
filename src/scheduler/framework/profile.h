// Profile: the plugins of one scheduler name, by phase, in order. ProfileSpec says which; make_profiles() makes them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/framework/plugin.h"

namespace pintle::scheduler::algorithm {
class FilterRunner;
}  // namespace pintle::scheduler::algorithm

namespace pintle::scheduler::cache {
class Cache;
}  // namespace pintle::scheduler::cache

namespace pintle::scheduler::devices {
class DeviceLedger;
}  // namespace pintle::scheduler::devices

namespace pintle::scheduler::queue {
class Nominator;
}  // namespace pintle::scheduler::queue

namespace pintle::scheduler {

// A plugin's name, with its weight (of Score; 0: 1).
struct PhaseEntry {
  std::string name;
  int32_t weight = 0;
};
struct PhaseChoice {
  std::vector<PhaseEntry> enabled;
  std::vector<PhaseEntry> disabled;  // "*": all that multi_point enables
};

enum class Phase : uint8_t { PreEnqueue, QueueSort, PreFilter, Filter, PostFilter, PreScore, Score, Reserve, Permit, PreBind, Bind, PostBind };
constexpr std::size_t phase_count = 12;
std::string_view phase_name(Phase phase);

struct ProfileSpec {
  std::string scheduler_name = "default-scheduler";
  int32_t percentage_of_nodes_to_score = 0;  // 0: adaptive
  std::vector<PhaseEntry> multi_point;       // each in every phase that it implements
  PhaseChoice phases[phase_count];           // what one phase has besides, or instead
  std::map<std::string, std::string> args;   // JSON by plugin name
};

// A plugin in its phase. `weight` matters to Score alone.
template <class PhasePlugin>
struct Placed {
  PhasePlugin* plugin = nullptr;
  int index = -1;
  std::string_view name;
  int32_t weight = 1;
};

struct Profile {
  std::string scheduler_name;
  int32_t percentage_of_nodes_to_score = 0;
  std::vector<std::unique_ptr<Plugin>> plugins;
  std::vector<Placed<PreEnqueuePlugin>> pre_enqueue;
  std::vector<Placed<QueueSortPlugin>> queue_sort;
  std::vector<Placed<PreFilterPlugin>> pre_filter;
  std::vector<Placed<FilterPlugin>> filter;
  std::vector<Placed<PostFilterPlugin>> post_filter;
  std::vector<Placed<PreScorePlugin>> pre_score;
  std::vector<Placed<ScorePlugin>> score;
  std::vector<Placed<ReservePlugin>> reserve;
  std::vector<Placed<PermitPlugin>> permit;
  std::vector<Placed<PreBindPlugin>> pre_bind;
  std::vector<Placed<BindPlugin>> bind;
  std::vector<Placed<PostBindPlugin>> post_bind;
};

struct SchedulerMetrics;

// What plugins are given. Everything outlives them.
struct PluginDeps {
  rt::Runtime& runtime;
  client::Client& client;
  client::Informers& informers;
  client::SeriesRecorder& events;
  const component::FeatureGates& gates;
  const cache::Cache& cache;
  devices::DeviceLedger& devices;
  queue::Nominator& nominator;
  algorithm::FilterRunner& filters;
  rt::TaskGroup& tasks;  // for work in the background
  SchedulerMetrics& metrics;
  std::function<void(const std::string& uid)> try_again;  // a pod that waits goes to the active queue
  std::function<PodPtr(const PlacedPod&)> whole_pod;      // the object; nullptr: it has gone
};

// A row of the table of plugins.
struct PluginRow {
  std::string_view name;
  // `args`: JSON text, or empty for the defaults. BadRequest names the field at fault.
  Result<std::unique_ptr<Plugin>> (*make)(const PluginDeps& deps, const std::string& args);
};

namespace plugins {
std::span<const PluginRow> plugin_table();
}  // namespace plugins

// What programs outside say counts as one plugin more.
constexpr int extender_index = plugins_max - 1;
int plugin_index(std::string_view name);  // -1: unknown
std::string_view plugin_name(int index);
// Sorted names of a mask.
std::vector<std::string> plugin_names(uint64_t mask);

// BadRequest: an unknown plugin, a plugin in a phase that it does not implement, no queue sort or bind plugin.
Result<std::unique_ptr<Profile>> make_profile(const ProfileSpec& spec, const PluginDeps& deps);

}  // namespace pintle::scheduler
