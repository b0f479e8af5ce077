// Handlers of typed messages on a net::grpc::Server. A request that does not decode is InvalidArgument.
#pragma once

#include <string>
#include <utility>

#include "net/grpc/code.h"
#include "net/grpc/server.h"
#include "rpc/typed_call.h"
#include "rpc/typed_stream.h"

namespace pintle::rpc {

namespace detail {
template <class Service, class Request, class Response>
rt::Task<Result<std::string>> answer(Service* service, rt::Task<Result<Response>> (Service::*method)(rt::Context, Request), rt::Context ctx,
                                     std::string bytes) {
  auto request = decode<Request>(bytes);
  if (!request) co_return Unexpected(net::grpc::to_status(net::grpc::Code::InvalidArgument, request.error().message));
  auto response = co_await (service->*method)(std::move(ctx), std::move(*request));
  if (!response) co_return Unexpected(std::move(response).error());
  co_return encode<Response>(*response);
}

// `writer` is the server's, which waits for its handlers.
template <class Service, class Request, class Response>
rt::Task<Result<Unit>> answer_stream(Service* service, rt::Task<Result<Unit>> (Service::*method)(rt::Context, Request, StreamSink<Response>&),
                                     rt::Context ctx, std::string bytes, net::grpc::StreamWriter& writer) {
  auto request = decode<Request>(bytes);
  if (!request) co_return Unexpected(net::grpc::to_status(net::grpc::Code::InvalidArgument, request.error().message));
  StreamSink<Response> sink(writer);
  co_return co_await (service->*method)(std::move(ctx), std::move(*request), sink);
}
}  // namespace detail

// `path` is "/package.Service/Name"; `service` outlives the server. Before the server's start().
template <class Service, class Request, class Response>
void on_unary(net::grpc::Server& server, std::string path, Service& service, rt::Task<Result<Response>> (Service::*method)(rt::Context, Request)) {
  server.on(std::move(path), [at = &service, method](rt::Context ctx, std::string bytes) {
    return detail::answer<Service, Request, Response>(at, method, std::move(ctx), std::move(bytes));
  });
}

// The same for a call whose answer is a stream: it ends when the handler does, with its error.
template <class Service, class Request, class Response>
void on_stream(net::grpc::Server& server, std::string path, Service& service,
               rt::Task<Result<Unit>> (Service::*method)(rt::Context, Request, StreamSink<Response>&)) {
  server.on_stream(std::move(path), [at = &service, method](rt::Context ctx, std::string bytes, net::grpc::StreamWriter& writer) {
    return detail::answer_stream<Service, Request, Response>(at, method, std::move(ctx), std::move(bytes), writer);
  });
}

}  // namespace pintle::rpc
