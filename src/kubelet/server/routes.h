// Routes: the paths of the kubelet's server, one method each, with upstream's answers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/server/access.h"
#include "kubelet/server/host.h"
#include "net/http.h"
#include "net/url.h"
#include "rt/runtime.h"

namespace pintle::kubelet::server {

struct RoutesDeps {
  rt::Runtime& runtime;
  KubeletHost& host;
  rt::Executor& home;  // where the host is called
  net::Transport& runtime_transport;
  Access* access = nullptr;  // nullptr: nobody is asked who he is (local ports)
};

struct RoutesOptions {
  bool debugging = true;   // exec, attach, run, portForward, containerLogs, runningpods, logs
  bool read_only = false;  // pods, stats, metrics and health alone
  bool health_only = false;
};

class Routes final : public net::Handler {
 public:
  Routes(RoutesDeps deps, RoutesOptions options) : deps_(deps), options_(options), access_(deps_.access) {}
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override;
  // Ends followed logs and streams into containers; later ones end at once.
  void end_streams() { streams_.cancel(); }

 private:
  // One request, for the methods below.
  struct Call {
    rt::Context ctx;
    net::Request& request;
    net::ResponseWriter& writer;
    std::string path;  // decoded, "/" at its end taken off
    std::vector<std::string> parts;
    net::Query query;
  };
  using Method = rt::Task<void> (Routes::*)(Call& call);
  struct Route;
  static const Route routes_[];

  rt::Task<Result<Unit>> let_in(Call& call);
  rt::Task<void> dispatch(Call& call);

  rt::Task<void> healthz(Call& call);
  rt::Task<void> pods(Call& call);
  rt::Task<void> running_pods(Call& call);
  rt::Task<void> summary(Call& call);
  rt::Task<void> metrics(Call& call);
  rt::Task<void> configz(Call& call);
  rt::Task<void> csi_controller(Call& call);
  rt::Task<void> node_logs(Call& call);  // node_logs.cpp
  // containers.cpp
  rt::Task<void> container_logs(Call& call);
  rt::Task<void> send_log(Call& call, api::core_v1::PodLogOptions options, std::string container_id);
  rt::Task<void> checkpoint(Call& call);
  rt::Task<void> run(Call& call);
  rt::Task<void> exec(Call& call);
  rt::Task<void> attach(Call& call);
  rt::Task<void> port_forward(Call& call);
  rt::Task<void> stream_into_container(Call& call, bool exec);
  rt::Task<void> join_runtime(Call& call, Result<std::string> url);

  // The pod of /.../NAMESPACE/NAME; a path of `parts_with_uid` parts names its uid next, which must be its.
  rt::Task<std::optional<api::core_v1::Pod>> find_pod(Call& call, std::size_t parts_with_uid);
  static rt::Task<void> text(Call& call, int status, std::string body);
  static rt::Task<void> json(Call& call, std::string body);
  static rt::Task<void> fail(Call& call, Status why);

  const RoutesDeps deps_;
  const RoutesOptions options_;
  Access* access_;
  rt::Context streams_ = rt::Context::background().child();
};

}  // namespace pintle::kubelet::server
