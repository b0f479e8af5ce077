#include "apiserver/testing/in_process.h"

#include <algorithm>

#include "codec/json.h"

namespace pintle::apiserver::testing {

std::string Answer::at(std::string_view path) const {
  const codec::Value* value = &json;
  while (value && !path.empty()) {
    const auto dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
    if (value->is_array()) {
      const std::size_t i = std::stoul(std::string(key));
      value = i < value->as_array().size() ? &value->as_array()[i] : nullptr;
    } else {
      value = value->find(key);
    }
  }
  if (value == nullptr) return "";
  return value->is_string() ? value->as_string() : codec::to_json(*value);
}

rt::Task<Result<std::unique_ptr<InProcessServer>>> InProcessServer::start(rt::Runtime& runtime, ApiServerOptions options) {
  ApiServerSetup setup;
  setup.options = std::move(options);
  return start(runtime, std::move(setup));
}

rt::Task<Result<std::unique_ptr<InProcessServer>>> InProcessServer::start(rt::Runtime& runtime, ApiServerSetup setup) {
  auto server = std::make_unique<InProcessServer>();
  setup.options.data_dir = "";
  setup.listen = false;
  setup.secured = false;
  server->server_ = make_api_server(runtime, std::move(setup));
  CO_TRY(co_await server->server_->start());
  server->transport_ = net::make_in_process_transport(runtime, server->server_->handler(), "system:admin");
  co_return server;
}

rt::Task<Result<net::Response>> InProcessServer::send(std::string method, std::string path, std::string body, std::string type, std::string accept) {
  net::ClientRequest request;
  request.method = method;
  request.url = "https://pintle" + path;
  request.headers.add("accept", accept);
  if (!body.empty()) request.headers.add("content-type", type);
  request.body = Bytes(body);
  co_return co_await transport_->send(rt::Context::background(), std::move(request));
}

rt::Task<Answer> InProcessServer::ask(std::string method, std::string path, std::string body, std::string type, std::string accept) {
  Answer answer;
  auto response = co_await send(std::move(method), std::move(path), std::move(body), std::move(type), std::move(accept));
  if (!response) {
    answer.body = response.error().message;
    co_return answer;
  }
  answer.status = response->status;
  answer.headers = response->headers;
  auto read = co_await net::read_all(rt::Context::background(), *response->body, 256 << 20);
  if (read) answer.body = read->view();
  if (auto json = codec::parse_json(answer.body)) answer.json = std::move(*json);
  co_return answer;
}

rt::Task<std::string> InProcessServer::stream(std::string path, std::size_t lines) {
  std::string text;
  auto response = co_await send("GET", std::move(path), "", "", "application/json");
  if (!response) co_return text;
  while (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) < lines) {
    auto piece = co_await response->body->read(rt::Context::background());
    if (!piece || piece->empty()) break;
    text += piece->view();
  }
  co_return text;
}

rt::Task<void> InProcessServer::stop() { co_await server_->stop(); }

}  // namespace pintle::apiserver::testing
