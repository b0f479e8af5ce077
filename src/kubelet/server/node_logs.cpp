// The route /logs/: the node's log folder.
#include <algorithm>

#include "kubelet/server/node_log.h"
#include "kubelet/server/routes.h"
#include "os/path.h"

namespace pintle::kubelet::server {

namespace {

constexpr std::size_t chunk_bytes = 64 << 10;

rt::Task<void> refuse(net::ResponseWriter* writer, Status why) {
  const int status = why.reason == Reason::NotFound ? 404 : why.reason == Reason::Forbidden ? 403 : 500;
  std::string body = status == 404 ? "404 page not found\n" : status == 403 ? "not a log file\n" : "cannot be read\n";
  (void)co_await net::respond(*writer, status, "text/plain; charset=utf-8", Bytes(std::move(body)));
}

// As much as there was when it was opened, a chunk at a time: a log of any size takes no memory, and one that grows comes to an end.
rt::Task<void> send_file(rt::Runtime* runtime, rt::Context ctx, const NodeLog* log, net::ResponseWriter* writer) {
  Result<std::unique_ptr<rt::File>> file;
  co_await runtime->run_blocking([&] { file = runtime->disk().open(os::fd_path(log->fd.get()), rt::OpenOptions{}); });
  if (!file) {
    co_await refuse(writer, file.error());
    co_return;
  }
  // A browser takes it for what it is, whatever a pod wrote into it.
  writer->headers().set("Content-Type", "text/plain; charset=utf-8");
  writer->headers().set("X-Content-Type-Options", "nosniff");
  auto sent = co_await writer->start(200);
  for (uint64_t offset = 0; sent && offset < log->bytes && !ctx.done();) {
    std::string chunk(std::min<uint64_t>(chunk_bytes, log->bytes - offset), '\0');
    Result<std::size_t> got;
    co_await runtime->run_blocking([&] { got = (*file)->read_at(offset, chunk); });
    if (!got || *got == 0) break;
    offset += *got;
    chunk.resize(*got);
    std::vector<Bytes> data;
    data.push_back(Bytes(std::move(chunk)));
    sent = co_await writer->write(std::move(data));
  }
}

}  // namespace

rt::Task<void> Routes::node_logs(Call& call) {
  const std::string root = deps_.host.log_directory();
  if (root.empty()) {
    co_await text(call, 405, "logs endpoint is disabled.\n");
    co_return;
  }
  const bool safe =
      std::ranges::none_of(call.parts, [](const std::string& part) { return part == ".." || part.empty() || part.find('\0') != std::string::npos; });
  if (!safe) {
    co_await text(call, 400, "invalid path\n");
    co_return;
  }
  std::string path;
  for (std::size_t i = 1; i < call.parts.size(); ++i) path += (i == 1 ? "" : "/") + call.parts[i];
  Result<NodeLog> log;
  Result<std::string> page;
  co_await deps_.runtime.run_blocking([&] {
    log = open_node_log(root, path);
    if (log && log->directory) page = list_node_logs(*log);
  });
  if (!log) {
    co_await refuse(&call.writer, log.error());
  } else if (!page) {
    co_await refuse(&call.writer, page.error());
  } else if (log->directory) {
    (void)co_await net::respond(call.writer, 200, "text/html; charset=utf-8", Bytes(std::move(*page)));
  } else {
    co_await send_file(&deps_.runtime, call.ctx, &*log, &call.writer);
  }
}

}  // namespace pintle::kubelet::server
