#include "kubelet/server/routes.h"

#include <algorithm>

#include "api/codec.h"
#include "csi/remote_controller.h"
#include "kubelet/server/attributes.h"
#include "net/grpc/code.h"
#include "rt/combine.h"

namespace pintle::kubelet::server {

namespace {

namespace core = api::core_v1;

constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
constexpr std::string_view plain_type = "text/plain; charset=utf-8";

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // a slash
    const auto slash = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash);
  }
  return parts;
}

std::string pod_list_json(std::vector<core::Pod> pods) {
  core::PodList list;
  list.items = std::move(pods);
  const api::GroupVersionKind kind{"", "v1", "PodList"};
  std::string out;
  api::encode_json(api::type_of<core::PodList>(), &list, out, &kind);
  return out;
}

rt::Task<std::string> text_of(KubeletHost* host, std::string (KubeletHost::*get)()) { co_return (host->*get)(); }
rt::Task<std::string> health_of(KubeletHost* host) { co_return host->unhealthy(); }

}  // namespace

// `parts`: how many the path may have.
struct Routes::Route {
  std::string_view first;
  std::size_t parts_min;
  std::size_t parts_max;
  std::string_view methods;
  Method method;
  enum class Where : uint8_t { Everywhere, NotHealth, Debugging, Authorized } where;  // Authorized: never where nobody is asked who he is
};

const Routes::Route Routes::routes_[] = {
    {"healthz", 1, 3, "GET HEAD", &Routes::healthz, Route::Where::Everywhere},
    {"pods", 1, 1, "GET", &Routes::pods, Route::Where::NotHealth},
    {"stats", 2, 2, "GET POST", &Routes::summary, Route::Where::NotHealth},
    {"metrics", 1, 2, "GET", &Routes::metrics, Route::Where::NotHealth},
    {"configz", 1, 1, "GET", &Routes::configz, Route::Where::Debugging},
    {"runningpods", 1, 1, "GET", &Routes::running_pods, Route::Where::Debugging},
    {"logs", 1, 64, "GET", &Routes::node_logs, Route::Where::Debugging},
    {"containerLogs", 4, 4, "GET", &Routes::container_logs, Route::Where::Debugging},
    {"checkpoint", 4, 4, "POST", &Routes::checkpoint, Route::Where::Debugging},
    {"run", 4, 5, "POST", &Routes::run, Route::Where::Debugging},
    {"exec", 4, 5, "GET POST", &Routes::exec, Route::Where::Debugging},
    {"attach", 4, 5, "GET POST", &Routes::attach, Route::Where::Debugging},
    {"portForward", 3, 4, "GET POST", &Routes::port_forward, Route::Where::Debugging},
    {"csi", 3, 3, "POST", &Routes::csi_controller, Route::Where::Authorized},
};

rt::Task<void> Routes::text(Call& call, int status, std::string body) {
  (void)co_await net::respond(call.writer, status, std::string(plain_type), Bytes(std::move(body)));
}
rt::Task<void> Routes::json(Call& call, std::string body) {
  (void)co_await net::respond(call.writer, 200, "application/json", Bytes(std::move(body)));
}
rt::Task<void> Routes::fail(Call& call, Status why) { return text(call, why.http(), std::move(why.message)); }

rt::Task<void> Routes::serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) {
  Call call{ctx, request, writer, "", {}, net::parse_query(request.query)};
  const auto path = net::percent_decode(request.path);
  if (!path || path->empty() || path->front() != '/') {
    co_await text(call, 400, "malformed path");
    co_return;
  }
  call.path = *path;
  while (call.path.size() > 1 && call.path.back() == '/') call.path.pop_back();
  call.parts = split(call.path);
  if (access_ != nullptr) {
    auto allowed = co_await let_in(call);
    if (!allowed) {
      co_await fail(call, std::move(allowed.error()));
      co_return;
    }
  }
  call.ctx = ctx.child();
  const auto ending = streams_.on_done([own = call.ctx] { own.cancel(); });
  co_await dispatch(call);
}

rt::Task<Result<Unit>> Routes::let_in(Call& call) {
  CO_TRY_ASSIGN(User user, co_await access_->authenticate(call.ctx, call.request));
  RequestAttributes attributes = request_attributes(call.request.method, call.path);
  co_return co_await access_->authorize(call.ctx, std::move(user), std::move(attributes));
}

rt::Task<void> Routes::dispatch(Call& call) {
  const auto route = std::ranges::find_if(
      routes_, [&](const Route& r) { return r.first == call.parts.front() && call.parts.size() >= r.parts_min && call.parts.size() <= r.parts_max; });
  const bool found = route != std::end(routes_) && (!options_.health_only || route->where == Route::Where::Everywhere) &&
                     (!options_.read_only || route->where != Route::Where::Debugging) &&
                     (access_ != nullptr || route->where != Route::Where::Authorized);
  if (!found) {
    co_await text(call, 404, "404 page not found\n");
  } else if (route->where == Route::Where::Debugging && !options_.debugging) {
    co_await text(call, 405, "Debug endpoints are disabled.\n");
  } else if ((" " + std::string(route->methods) + " ").find(" " + call.request.method + " ") == std::string::npos) {
    co_await text(call, 405, "405: Method Not Allowed");
  } else {
    co_await (this->*route->method)(call);
  }
}

rt::Task<void> Routes::healthz(Call& call) {
  const std::string wrong = co_await rt::run_on(deps_.home, health_of(&deps_.host));
  if (wrong.empty()) {
    co_await text(call, 200, "ok");
  } else {
    co_await text(call, 500, "[+]ping ok\n[-]" + wrong + " failed: reason withheld\nhealthz check failed\n");
  }
}

// /csi/DRIVER/METHOD, in the form of csi/remote_controller.h.
rt::Task<void> Routes::csi_controller(Call& call) {
  auto request = co_await net::read_all(call.ctx, *call.request.body, csi::remote_request_bytes_max);
  if (!request) {
    co_await fail(call, std::move(request).error());
    co_return;
  }
  auto answer = co_await rt::run_on(deps_.home, deps_.host.csi_controller_call(call.ctx, call.parts[1], call.parts[2], std::string(request->view())));
  if (!answer) {
    co_await text(call, 404, "404 page not found\n");
    co_return;
  }
  const auto code = *answer ? net::grpc::Code::Ok : net::grpc::code_of(answer->error());
  call.writer.headers().set(std::string(csi::remote_status_header), std::to_string(static_cast<int>(code)));
  std::string body = *answer ? std::move(**answer) : std::string(net::grpc::description_of(answer->error()).substr(0, csi::error_bytes_max));
  (void)co_await net::respond(call.writer, 200, std::string(csi::remote_content_type), Bytes(std::move(body)));
}

rt::Task<void> Routes::pods(Call& call) {
  auto pods = co_await rt::run_on(deps_.home, deps_.host.pods());
  co_await json(call, pod_list_json(std::move(pods)));
}

rt::Task<void> Routes::running_pods(Call& call) {
  auto pods = co_await rt::run_on(deps_.home, deps_.host.running_pods(call.ctx));
  if (!pods) {
    co_await text(call, 500, pods.error().message);
    co_return;
  }
  co_await json(call, pod_list_json(std::move(*pods)));
}

rt::Task<void> Routes::summary(Call& call) {
  if (call.parts[1] != "summary") {
    co_await text(call, 404, "404 page not found\n");
    co_return;
  }
  const std::string_view only = net::query_get(call.query, "only_cpu_and_memory");
  const bool brief = only == "true" || only == "1";
  auto summary = co_await rt::run_on(deps_.home, deps_.host.stats_summary(call.ctx, brief));
  if (!summary) {
    co_await text(call, 500, summary.error().message);
    co_return;
  }
  std::string out;
  api::encode_json(api::type_of<api::kubeletstats_v1alpha1::Summary>(), &*summary, out);
  co_await json(call, std::move(out));
}

rt::Task<void> Routes::metrics(Call& call) {
  const std::string which = call.parts.size() > 1 ? call.parts[1] : "";
  Result<std::string> page = error(Reason::NotFound, "404 page not found\n");
  if (which.empty()) {
    page = co_await rt::run_on(deps_.home, text_of(&deps_.host, &KubeletHost::metrics));
  } else if (which == "probes") {
    page = co_await rt::run_on(deps_.home, text_of(&deps_.host, &KubeletHost::probe_metrics));
  } else if (which == "cadvisor") {
    page = co_await rt::run_on(deps_.home, deps_.host.cadvisor_metrics(call.ctx));
  } else if (which == "resource") {
    page = co_await rt::run_on(deps_.home, deps_.host.resource_metrics(call.ctx));
  }
  if (!page) {
    co_await fail(call, std::move(page.error()));
    co_return;
  }
  (void)co_await net::respond(call.writer, 200, std::string(metrics_type), Bytes(std::move(*page)));
}

rt::Task<void> Routes::configz(Call& call) {
  const auto& configuration = deps_.host.configuration();
  const api::GroupVersionKind kind{"kubelet.config.k8s.io", "v1beta1", "KubeletConfiguration"};
  std::string out = R"({"kubeletconfig":)";
  api::encode_json(api::type_of<api::kubeletconfig_v1beta1::KubeletConfiguration>(), &configuration, out, &kind);
  out += "}";
  co_await json(call, std::move(out));
}

}  // namespace pintle::kubelet::server
