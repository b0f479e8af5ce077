// The routes that look into containers: logs, run, exec, attach, port-forward.

#include <fmt/format.h>

#include "apimachinery/pod_logs/log_options.h"
#include "base/parse_number.h"
#include "base/split.h"
#include "codec/json_text.h"
#include "kubelet/server/log_container.h"
#include "kubelet/server/log_reader.h"
#include "kubelet/server/routes.h"
#include "net/forward.h"
#include "net/websocket.h"
#include "rt/combine.h"
#include "rt/far_time.h"

namespace pintle::kubelet::server {

namespace {

namespace core = api::core_v1;

bool is_one(const net::Query& query, std::string_view name) { return net::query_get(query, name) == "1"; }

// What the client wants of the container's streams; `input`, `output`, `error`, `tty`: "1".
Result<StreamRequest> stream_request(const net::Query& query) {
  StreamRequest out;
  out.tty = is_one(query, "tty");
  out.stdin = is_one(query, "input");
  out.stdout = is_one(query, "output");
  out.stderr = is_one(query, "error") && !out.tty;  // a terminal has one output
  if (!out.stdin && !out.stdout && !out.stderr) return bad_request("you must specify at least 1 of stdin, stdout, stderr");
  return out;
}

// As upstream splits the command of /run.
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t space; (space = text.find(' ')) != text.npos; text.remove_prefix(space + 1)) out.emplace_back(text.substr(0, space));
  out.emplace_back(text);
  return out;
}

// The ports that a WebSocket client names: "port=80,443", repeated or not.
Result<std::vector<int32_t>> forwarded_ports(const net::Query& query) {
  std::vector<int32_t> ports;
  const auto named = query.find("port");
  if (named == query.end()) return bad_request("query parameter \"port\" is required");
  for (const std::string& value : named->second) {
    for (const std::string_view text : split(value, ',')) {
      const auto port = parse_number<uint16_t>(text);
      if (!port || *port == 0) return bad_request(fmt::format("unable to parse \"{}\" as a port", text));
      ports.push_back(*port);
    }
  }
  return ports;
}

struct LogWriter {
  net::ResponseWriter& writer;
  rt::Task<Result<Unit>> write(std::string text) {
    std::vector<Bytes> data;
    data.push_back(Bytes(std::move(text)));
    CO_TRY(co_await writer.write(std::move(data)));
    co_return co_await writer.flush();
  }
};

rt::Task<Result<Unit>> container_end(rt::Executor* home, KubeletHost* host, std::string id, rt::Context ctx) {
  co_return co_await rt::run_on(*home, host->wait_container_end(std::move(ctx), std::move(id)));
}

rt::Task<std::optional<core::Pod>> pod_of(KubeletHost* host, std::string namespace_name, std::string name) {
  return host->pod(std::move(namespace_name), std::move(name));
}

}  // namespace

rt::Task<std::optional<core::Pod>> Routes::find_pod(Call& call, std::size_t parts_with_uid) {
  auto pod = co_await rt::run_on(deps_.home, pod_of(&deps_.host, call.parts[1], call.parts[2]));
  if (pod && call.parts.size() == parts_with_uid && pod->metadata.uid != call.parts[3]) co_return std::nullopt;
  co_return pod;
}

rt::Task<void> Routes::checkpoint(Call& call) {
  const std::string& container = call.parts[3];
  if (!deps_.host.has_checkpoints()) {
    co_await text(call, 404, "404 page not found\n");
    co_return;
  }
  const auto pod = co_await find_pod(call, 0);
  if (!pod || !has_container(*pod, container)) {
    std::string why = "pod does not exist";
    if (pod) why = fmt::format("container {} does not exist", container);
    co_await text(call, 404, std::move(why));
    co_return;
  }
  int64_t timeout_seconds = 0;
  if (const auto said = call.query.find("timeout"); said != call.query.end()) {
    const auto number = parse_number<int64_t>(said->second.back());
    if (!number) {
      co_await text(call, 404, "cannot parse value of timeout parameter");
      co_return;
    }
    timeout_seconds = *number;
  }
  auto archive = co_await rt::run_on(deps_.home, deps_.host.checkpoint(call.ctx, *pod, container, timeout_seconds));
  if (!archive) {
    co_await text(call, 500, fmt::format("checkpointing of {}/{}/{} failed ({})", call.parts[1], call.parts[2], container, archive.error().message));
    co_return;
  }
  std::string out = R"({"items":[)";
  codec::append_json_string(*archive, out);
  co_await json(call, out + "]}");
}

rt::Task<void> Routes::container_logs(Call& call) {
  const std::string& pod_name = call.parts[2];
  const std::string& container = call.parts[3];
  net::Query query = call.query;
  if (const auto tail = query.find("tail"); tail != query.end() && !tail->second.front().empty()) {
    query.erase("tailLines");
    if (tail->second.front() != "all") query["tailLines"] = tail->second;
  }
  auto options = apimachinery::parse_log_options(query);
  if (!options) {
    co_await text(call, 400, R"({"message": "Unable to decode query."})");
    co_return;
  }
  if (!apimachinery::validate_log_options(*options).empty()) {
    co_await text(call, 422, R"({"message": "Invalid request."})");
    co_return;
  }
  const auto pod = co_await find_pod(call, 0);
  if (!pod) {
    co_await text(call, 404, fmt::format("pod \"{}\" does not exist", pod_name));
    co_return;
  }
  if (!has_container(*pod, container)) {
    co_await text(call, 404, fmt::format("container \"{}\" not found in pod \"{}\"", container, pod_name));
    co_return;
  }
  auto id = find_log_container(*pod, container, options->previous);
  if (!id) {
    co_await text(call, 400, id.error().message);
    co_return;
  }
  co_await send_log(call, std::move(*options), std::move(*id));
}

rt::Task<void> Routes::send_log(Call& call, core::PodLogOptions options, std::string container_id) {
  auto path = co_await rt::run_on(deps_.home, deps_.host.container_log_path(call.ctx, container_id));
  if (!path) {
    co_await text(call, 400, path.error().message);
    co_return;
  }
  LogReading reading;
  reading.path = *path;
  reading.follow = options.follow;
  reading.tail_lines = options.tail_lines;
  reading.selection.bytes_max = options.limit_bytes;
  reading.selection.timestamps = options.timestamps;
  const std::string stream = options.stream.value_or(std::string(apimachinery::log_stream_all));
  reading.selection.stdout = stream != apimachinery::log_stream_stderr;
  reading.selection.stderr = stream != apimachinery::log_stream_stdout;
  if (options.since_time) reading.selection.since = *options.since_time;
  if (options.since_seconds) {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(deps_.runtime.clock().wall_now().time_since_epoch()).count();
    reading.selection.since =
        api::time_from_unix(now / 1'000'000'000 - rt::bounded_seconds(*options.since_seconds), static_cast<int32_t>(now % 1'000'000'000));
  }
  LogReader reader(deps_.runtime, std::move(reading));
  Result<Unit> opened;
  co_await deps_.runtime.run_blocking([&] { opened = reader.open(); });
  if (!opened) {
    co_await text(call, 400, fmt::format("failed to open log file \"{}\": {}", *path, opened.error().message));
    co_return;
  }
  call.writer.headers().set("Content-Type", "text/plain");
  auto started = co_await call.writer.start(200);
  if (!started) co_return;
  started = co_await call.writer.flush();  // the client knows at once that it is connected
  if (!started) co_return;
  LogWriter out{call.writer};
  LogSink sink = [&out](std::string lines) { return out.write(std::move(lines)); };
  LogEnd end = [this, container_id](rt::Context ctx) { return container_end(&deps_.home, &deps_.host, container_id, std::move(ctx)); };
  (void)co_await reader.run(call.ctx, std::move(sink), std::move(end));  // whoever follows has been told 200 already
}

rt::Task<void> Routes::run(Call& call) {
  const auto pod = co_await find_pod(call, 5);
  if (!pod) {
    co_await text(call, 404, "pod does not exist");
    co_return;
  }
  auto id = find_running_container(*pod, call.parts.back());
  if (!id) {
    co_await text(call, 500, id.error().message);
    co_return;
  }
  auto command = words(net::query_get(call.query, "cmd"));
  auto done = co_await rt::run_on(deps_.home, deps_.host.exec_sync(call.ctx, std::move(*id), std::move(command)));
  if (!done) {
    co_await text(call, 500, done.error().message);
  } else if (done->exit_code != 0) {
    co_await text(call, 500, fmt::format("command '{}' exited with {}: {}", net::query_get(call.query, "cmd"), done->exit_code, done->stderr));
  } else {
    std::string output = done->stdout + done->stderr;
    co_await text(call, 200, std::move(output));
  }
}

rt::Task<void> Routes::exec(Call& call) { return stream_into_container(call, true); }
rt::Task<void> Routes::attach(Call& call) { return stream_into_container(call, false); }

rt::Task<void> Routes::stream_into_container(Call& call, bool exec) {
  auto wanted = stream_request(call.query);
  if (!wanted) {
    co_await text(call, 400, wanted.error().message);
    co_return;
  }
  const auto pod = co_await find_pod(call, 5);
  if (!pod) {
    co_await text(call, 404, "pod does not exist");
    co_return;
  }
  auto id = find_running_container(*pod, call.parts.back());
  if (!id) {
    co_await text(call, 500, id.error().message);
    co_return;
  }
  wanted->container_id = std::move(*id);
  if (const auto command = call.query.find("command"); exec && command != call.query.end()) wanted->command = command->second;
  if (exec) {
    auto url = co_await rt::run_on(deps_.home, deps_.host.exec_url(call.ctx, std::move(*wanted)));
    co_await join_runtime(call, std::move(url));
  } else {
    auto url = co_await rt::run_on(deps_.home, deps_.host.attach_url(call.ctx, std::move(*wanted)));
    co_await join_runtime(call, std::move(url));
  }
}

rt::Task<void> Routes::port_forward(Call& call) {
  std::vector<int32_t> ports;
  if (net::is_websocket_request(call.request)) {
    auto named = forwarded_ports(call.query);
    if (!named) {
      co_await text(call, 400, named.error().message);
      co_return;
    }
    ports = std::move(*named);
  }
  auto pod = co_await find_pod(call, 4);
  if (!pod) {
    co_await text(call, 404, "pod does not exist");
    co_return;
  }
  auto url = co_await rt::run_on(deps_.home, deps_.host.port_forward_url(call.ctx, std::move(*pod), std::move(ports)));
  co_await join_runtime(call, std::move(url));
}

// The client's upgrade goes on to the runtime's streaming server as it is; from then on bytes are carried both ways.
rt::Task<void> Routes::join_runtime(Call& call, Result<std::string> url) {
  if (!url) {
    const int status = url.error().reason == Reason::NotFound ? 404 : url.error().reason == Reason::TooManyRequests ? 429 : 500;
    co_await text(call, status, url.error().message + "\n");
    co_return;
  }
  if (!net::is_upgrade_request(call.request)) {
    co_await text(call, 400, "Upgrade request required\n");
    co_return;
  }
  net::ForwardOptions options;
  auto joined = co_await net::forward_upgrade(call.ctx, call.request, call.writer, deps_.runtime_transport, std::move(*url), std::move(options));
  if (!joined) co_await text(call, 500, joined.error().message + "\n");
}

}  // namespace pintle::kubelet::server
