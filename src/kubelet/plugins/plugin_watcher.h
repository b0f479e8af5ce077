// PluginWatcher: follows the sockets of plugins_registry and registers the plugins behind them. Belongs to one executor.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "kubelet/plugins/handler.h"
#include "os/socket_file.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::plugins {

// Sockets past it are left out until others go.
constexpr std::size_t plugins_max = 256;
constexpr std::size_t info_bytes_max = 64 << 10;
// Of what a plugin says of itself, which is told in logs; who says more is refused.
constexpr std::size_t word_bytes_max = 1024;
constexpr std::size_t versions_max = 64;

struct PluginTiming {
  rt::Duration dial = std::chrono::seconds(10);
  rt::Duration info = std::chrono::seconds(5);
  rt::Duration notify = std::chrono::seconds(5);
  rt::Duration retry_first = std::chrono::milliseconds(500);
  rt::Duration retry_max = std::chrono::minutes(2);
  rt::Duration settle = std::chrono::milliseconds(10);       // a socket's name is there a moment before it listens
  rt::Duration look_pause = std::chrono::milliseconds(100);  // between two looks at the folder, however often it changes
};

struct PluginWatcherDeps {
  rt::Runtime& runtime;
  std::string folder;                              // plugins_registry; made if it is not there
  std::map<std::string, PluginHandler*> handlers;  // by type
  PluginTiming timing;
};

class PluginWatcher {
 public:
  explicit PluginWatcher(PluginWatcherDeps deps);
  ~PluginWatcher();
  PluginWatcher(const PluginWatcher&) = delete;
  PluginWatcher& operator=(const PluginWatcher&) = delete;

  // Follows the folder in the background; sockets that are there already are found.
  void start();
  // Plugins stay registered: the next start finds them.
  rt::Task<void> stop();

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  struct Registered;

  rt::Task<void> run(rt::Context ctx);
  std::unique_ptr<rt::FileWatcher> watch(const std::vector<std::string>& directories);
  rt::Task<Result<os::FoundSockets>> look();
  void take(const os::FoundSockets& found);
  rt::Task<void> keep(rt::Context ctx, EntryPtr entry);
  rt::Task<Result<Registered>> attempt(rt::Context ctx, EntryPtr entry);

  PluginWatcherDeps deps_;
  std::map<std::string, EntryPtr> entries_;  // by path below the folder
  bool cut_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::plugins
