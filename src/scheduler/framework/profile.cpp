#include "scheduler/framework/profile.h"

#include <algorithm>

namespace pintle::scheduler {

std::string_view phase_name(Phase phase) {
  constexpr std::string_view names[phase_count] = {"PreEnqueue", "QueueSort", "PreFilter", "Filter",  "PostFilter", "PreScore",
                                                   "Score",      "Reserve",   "Permit",    "PreBind", "Bind",       "PostBind"};
  return names[static_cast<std::size_t>(phase)];
}

int plugin_index(std::string_view name) {
  const auto table = plugins::plugin_table();
  for (std::size_t i = 0; i < table.size(); ++i)
    if (table[i].name == name) return static_cast<int>(i);
  return -1;
}
std::string_view plugin_name(int index) {
  return index == extender_index ? "Extender" : plugins::plugin_table()[static_cast<std::size_t>(index)].name;
}

std::vector<std::string> plugin_names(uint64_t mask) {
  std::vector<std::string> out;
  for (int i = 0; i < plugins_max; ++i)
    if (mask >> i & 1) out.emplace_back(plugin_name(i));
  std::ranges::sort(out);
  return out;
}

namespace {

class Builder {
 public:
  Builder(const ProfileSpec& spec, const PluginDeps& deps) : spec_(spec), deps_(deps), made_(plugins::plugin_table().size()) {}

  Result<std::unique_ptr<Profile>> build() {
    profile_->scheduler_name = spec_.scheduler_name;
    profile_->percentage_of_nodes_to_score = spec_.percentage_of_nodes_to_score;
    TRY(fill(Phase::PreEnqueue, profile_->pre_enqueue));
    TRY(fill(Phase::QueueSort, profile_->queue_sort));
    TRY(fill(Phase::PreFilter, profile_->pre_filter));
    TRY(fill(Phase::Filter, profile_->filter));
    TRY(fill(Phase::PostFilter, profile_->post_filter));
    TRY(fill(Phase::PreScore, profile_->pre_score));
    TRY(fill(Phase::Score, profile_->score));
    TRY(fill(Phase::Reserve, profile_->reserve));
    TRY(fill(Phase::Permit, profile_->permit));
    TRY(fill(Phase::PreBind, profile_->pre_bind));
    TRY(fill(Phase::Bind, profile_->bind));
    TRY(fill(Phase::PostBind, profile_->post_bind));
    complete(profile_->pre_filter, profile_->filter);
    complete(profile_->pre_score, profile_->score);
    if (profile_->queue_sort.size() != 1)
      return bad_request("profile \"" + spec_.scheduler_name + "\" needs one queue sort plugin and has " +
                         std::to_string(profile_->queue_sort.size()));
    if (profile_->bind.empty()) return bad_request("profile \"" + spec_.scheduler_name + "\" has no bind plugin");
    for (auto& plugin : made_)
      if (plugin) profile_->plugins.push_back(std::move(plugin));
    return std::move(profile_);
  }

 private:
  Result<Plugin*> get(const std::string& name) {
    const int index = plugin_index(name);
    if (index < 0) return bad_request("plugin \"" + name + "\" does not exist");
    auto& slot = made_[static_cast<std::size_t>(index)];
    if (!slot) {
      auto args = spec_.args.find(name);
      const PluginRow& row = plugins::plugin_table()[static_cast<std::size_t>(index)];
      auto made = row.make(deps_, args == spec_.args.end() ? std::string() : args->second);
      if (!made) return bad_request("initializing plugin \"" + name + "\": " + made.error().message);
      slot = std::move(*made);
      slot->name = row.name;
      slot->index = index;
    }
    return slot.get();
  }
  // As upstream: plugins of the phase that multi_point has too come first, then the rest of multi_point, then the others.
  template <class PhasePlugin>
  Result<Unit> fill(Phase phase, std::vector<Placed<PhasePlugin>>& out) {
    const PhaseChoice& choice = spec_.phases[static_cast<std::size_t>(phase)];
    const auto has = [](const std::vector<PhaseEntry>& entries, std::string_view name) {
      return std::ranges::any_of(entries, [&](const PhaseEntry& e) { return e.name == name; });
    };
    for (const PhaseEntry& entry : choice.enabled)
      if (has(spec_.multi_point, entry.name)) TRY(place(phase, entry, true, out));
    if (!has(choice.disabled, "*"))
      for (const PhaseEntry& entry : spec_.multi_point)
        if (!has(choice.disabled, entry.name) && !has(choice.enabled, entry.name)) TRY(place(phase, entry, false, out));
    for (const PhaseEntry& entry : choice.enabled)
      if (!has(spec_.multi_point, entry.name)) TRY(place(phase, entry, true, out));
    return Unit{};
  }
  template <class PhasePlugin>
  Result<Unit> place(Phase phase, const PhaseEntry& entry, bool must, std::vector<Placed<PhasePlugin>>& out) {
    TRY_ASSIGN(Plugin * plugin, get(entry.name));
    auto* placed = dynamic_cast<PhasePlugin*>(plugin);
    if (placed == nullptr) {
      if (must) return bad_request("plugin \"" + entry.name + "\" does not extend " + std::string(phase_name(phase)) + " plugin");
      return Unit{};
    }
    if (std::ranges::any_of(out, [&](const auto& other) { return other.index == plugin->index; }))
      return bad_request("plugin \"" + entry.name + "\" already registered as \"" + std::string(phase_name(phase)) + "\"");
    out.push_back({placed, plugin->index, plugin->name, std::max(entry.weight, 1)});
    return Unit{};
  }
  // A filter (score) reads what its own PreFilter (PreScore) prepared: that runs too where a configuration leaves it out.
  template <class Before, class After>
  static void complete(std::vector<Placed<Before>>& before, const std::vector<Placed<After>>& after) {
    for (const auto& placed : after) {
      auto* earlier = dynamic_cast<Before*>(placed.plugin);
      if (earlier != nullptr && std::ranges::none_of(before, [&](const auto& other) { return other.index == placed.index; }))
        before.push_back({earlier, placed.index, placed.name, 1});
    }
  }

  const ProfileSpec& spec_;
  const PluginDeps& deps_;
  std::vector<std::unique_ptr<Plugin>> made_;
  std::unique_ptr<Profile> profile_ = std::make_unique<Profile>();
};

}  // namespace

Result<std::unique_ptr<Profile>> make_profile(const ProfileSpec& spec, const PluginDeps& deps) { return Builder(spec, deps).build(); }

}  // namespace pintle::scheduler
