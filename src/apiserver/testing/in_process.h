// For tests: a whole API server in this process, without sockets, on a memory store in the simulation.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/server.h"
#include "codec/value.h"
#include "net/client.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::apiserver::testing {

struct Answer {
  int status = 0;
  std::string body;
  codec::Value json;  // of the body, if it is JSON
  net::Headers headers;
  // The member at a dotted path, as text ("" if there is none).
  std::string at(std::string_view path) const;
};

class InProcessServer {
 public:
  // Call on an executor of `runtime`.
  static rt::Task<Result<std::unique_ptr<InProcessServer>>> start(rt::Runtime& runtime, ApiServerOptions options);
  static rt::Task<Result<std::unique_ptr<InProcessServer>>> start(rt::Runtime& runtime, ApiServerSetup setup);
  // Overloads rather than default arguments, which g++ 12 cannot have in a co_await expression.
  rt::Task<Answer> ask(std::string method, std::string path, std::string body, std::string type, std::string accept);
  rt::Task<Answer> ask(std::string method, std::string path, std::string body, std::string type) {
    return ask(std::move(method), std::move(path), std::move(body), std::move(type), "application/json");
  }
  rt::Task<Answer> ask(std::string method, std::string path, std::string body) {
    return ask(std::move(method), std::move(path), std::move(body), "application/json");
  }
  rt::Task<Answer> ask(std::string method, std::string path) { return ask(std::move(method), std::move(path), ""); }
  rt::Task<Answer> get(std::string path) { return ask("GET", std::move(path)); }
  rt::Task<Answer> get(std::string path, std::string accept) { return ask("GET", std::move(path), "", "", std::move(accept)); }
  // The first lines of an answer that does not end (or all of one that does).
  rt::Task<std::string> stream(std::string path, std::size_t lines);
  rt::Task<void> stop();
  ApiServer& server() { return *server_; }

 private:
  rt::Task<Result<net::Response>> send(std::string method, std::string path, std::string body, std::string type, std::string accept);
  std::unique_ptr<ApiServer> server_;
  std::unique_ptr<net::Transport> transport_;
};

}  // namespace pintle::apiserver::testing
