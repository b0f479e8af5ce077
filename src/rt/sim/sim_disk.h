// SimDisk: a machine's files in memory, with the losses of a power cut. Content is durable after File::sync(); names
// after sync_directory(). At a power cut unsynced writes are lost, kept or torn one by one, in any combination, and of
// the unsynced changes of names (kept in order, as a journal does) a prefix survives.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "rt/file.h"
#include "rt/sim/faults.h"
#include "rt/sim/sim_scheduler.h"
#include "rt/sync.h"

namespace pintle::rt {

class SimDisk final : public Disk {
 public:
  SimDisk(SimScheduler& scheduler, std::string machine);
  ~SimDisk() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenOptions options) override;
  Result<FileStat> stat(const std::string& path) override;
  Result<Unit> rename(const std::string& from, const std::string& to) override;
  Result<Unit> remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<Unit> make_directories(const std::string& path, uint32_t mode) override;
  Result<Unit> sync_directory(const std::string& path) override;
  Result<std::unique_ptr<FileWatcher>> watch(std::vector<std::string> paths);

  DiskPlan& plan() { return plan_; }
  void power_cut();
  uint64_t used_bytes() const;
  // While on, delays add up for take_delay() instead of passing at once: for run_blocking().
  void collect_delay(bool on) { collecting_ = on; }
  Duration take_delay() { return std::exchange(delay_, {}); }

  // Internal, public for the files and watchers of this disk.
  struct Inode;
  struct Watch {
    std::vector<std::string> paths;
    Event event;
  };

 private:
  friend class SimFile;
  using Node = std::shared_ptr<Inode>;
  // What stood under each name before the change.
  struct NameChange {
    std::vector<std::pair<std::string, Node>> before;
  };
  enum class Action { Read, Write, Sync };
  Result<Unit> act(Action action, const std::string& path);
  Node find(const std::string& path) const;
  Result<Unit> check_parent(const std::string& path) const;
  Result<Unit> check_room(const std::string& path, uint64_t more_bytes) const;
  void set_names(std::vector<std::pair<std::string, Node>> changes);
  void tell_watchers(const std::string& path);

  SimScheduler& scheduler_;
  const std::string machine_;
  DiskPlan plan_;
  std::map<std::string, Node> names_;
  std::vector<NameChange> unsynced_names_;
  std::vector<std::weak_ptr<Watch>> watches_;
  bool collecting_ = false;
  Duration delay_{};
};

}  // namespace pintle::rt
