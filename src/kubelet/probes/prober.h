// One probe, once: a command in the container, an HTTP request, a TCP connection, a gRPC health check. Upstream's outcomes and
// messages.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "net/client.h"
#include "rt/runtime.h"

namespace pintle::kubelet::probes {

// What is read of an answer and shown of an output at most.
constexpr std::size_t probe_output_bytes_max = 10 << 10;

struct ProbeRun {
  enum class Result : uint8_t {
    Success,
    Warning,  // success that is worth an event: a redirect to elsewhere
    Failure,
    Error,  // the probe itself could not be made: says nothing about the container
  };
  Result result = Result::Error;
  std::string message;
};

struct ExecOutput {
  int32_t exit_code = 0;
  std::string output;  // both streams
};
// Runs a command in a container. Timeout when it takes too long.
using ExecInContainer =
    std::function<rt::Task<Result<ExecOutput>>(rt::Context ctx, std::string container_id, std::vector<std::string> command, rt::Duration timeout)>;

struct ProbeTarget {
  const api::core_v1::Container& container;
  std::string container_id;
  std::string pod_ip;
};

class Prober {
 public:
  Prober(rt::Runtime& runtime, ExecInContainer exec);
  ~Prober();
  // `container` and `probe` outlive the task.
  rt::Task<ProbeRun> run(rt::Context ctx, const api::core_v1::Probe& probe, ProbeTarget target);
  // Await it last.
  rt::Task<void> close();

 private:
  rt::Task<ProbeRun> exec(rt::Context ctx, const api::core_v1::Probe& probe, ProbeTarget target, rt::Duration timeout);
  rt::Task<ProbeRun> http(rt::Context ctx, const api::core_v1::HTTPGetAction& action, ProbeTarget target, rt::Duration timeout);
  rt::Task<ProbeRun> tcp(rt::Context ctx, std::string host, uint16_t port, rt::Duration timeout);
  rt::Task<ProbeRun> grpc(rt::Context ctx, std::string host, int32_t port, std::string service, rt::Duration timeout);

  rt::Runtime& runtime_;
  ExecInContainer exec_;
  std::unique_ptr<net::Transport> transport_;
};

// The request of an httpGet probe. Pure.
Result<net::ClientRequest> probe_request(const api::core_v1::HTTPGetAction& action, const api::core_v1::Container& container,
                                         const std::string& pod_ip);

}  // namespace pintle::kubelet::probes
