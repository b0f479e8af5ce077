// LogRotator: keeps the logs of running containers below a size: a log that is too large is set aside as LOG.YYYYMMDD-HHMMSS and the
// runtime opens a new one; the pieces before that one are packed (.gz), the oldest go. Looks every ten seconds while logs grow, and ever more rarely
// while none does. Belongs to the kubelet's executor.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cri/runtime_client.h"
#include "rt/runtime.h"

namespace pintle::kubelet::logs {

constexpr rt::Duration log_look_max = std::chrono::minutes(3);

struct LogRotationOptions {
  uint64_t bytes_max = 10 << 20;                       // containerLogMaxSize
  std::size_t files_max = 5;                           // containerLogMaxFiles: the log and the pieces set aside
  std::size_t workers = 1;                             // containerLogMaxWorkers: so many logs at a time
  rt::Duration look_every = std::chrono::seconds(10);  // containerLogMonitorInterval
};

struct ContainerLog {
  std::string container_id;
  std::string path;
};

struct LogRotatorDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  std::function<std::vector<ContainerLog>()> logs;  // of the containers that run now
};

class LogRotator {
 public:
  LogRotator(LogRotatorDeps deps, LogRotationOptions options);
  void start();
  rt::Task<void> stop();

 private:
  rt::Task<void> run(rt::Context ctx);
  rt::Task<bool> look(rt::Context ctx);
  rt::Task<void> work(rt::Context ctx, std::vector<ContainerLog>* due);
  rt::Task<Result<Unit>> rotate(rt::Context ctx, ContainerLog log);
  void pack(const std::string& directory, const std::vector<std::string>& pieces);

  LogRotatorDeps deps_;
  const LogRotationOptions options_;
  std::map<std::string, uint64_t> sizes_;  // at the last look, by path
  std::atomic<bool> stopping_ = false;
  rt::TaskGroup tasks_;
};

struct PiecePlan {
  std::vector<std::string> remove;
  std::vector<std::string> pack;
};
// Of the names in a log's directory, what becomes of the pieces of `log` when one more is set aside and `files_max` may stay. What an
// interrupted packing left goes: NAME.gz.tmp, and NAME where NAME.gz is there. Pure.
PiecePlan plan_pieces(const std::vector<std::string>& names, std::string_view log, std::size_t files_max);
// "20260102-030405", UTC. Pure.
std::string rotation_suffix(rt::WallTime time);

}  // namespace pintle::kubelet::logs
