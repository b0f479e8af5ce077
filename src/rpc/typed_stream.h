// Calls whose answer is a stream, with typed messages: the client's end, and what a server's handler writes to.
// Bounded as the bytes below are: one message by the channel's message_bytes_max (then RequestEntityTooLarge), and what waits to be read by
// the connection's window; a writer waits for its reader.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/grpc/server.h"
#include "rpc/typed_call.h"

namespace pintle::rpc {

// The answers of a call. Used by one task; destroying it cancels the call. Lives on the channel's executor.
template <class Response>
class Stream {
 public:
  explicit Stream(std::unique_ptr<net::grpc::StreamReader> reader) : reader_(std::move(reader)) {}
  // nullopt: the call has ended with OK. An answer that does not decode is an error; the call is of no use then.
  rt::Task<Result<std::optional<Response>>> next(rt::Context ctx) {
    auto bytes = co_await reader_->next(std::move(ctx));
    if (!bytes) co_return Unexpected(std::move(bytes).error());
    if (!*bytes) co_return std::nullopt;
    auto message = decode<Response>(**bytes);
    if (!message) co_return Unexpected(std::move(message).error());
    co_return std::move(*message);
  }

 private:
  std::unique_ptr<net::grpc::StreamReader> reader_;
};

// On the channel's executor. An error that the server answers with comes from the first next().
template <class Response>
rt::Task<Result<Stream<Response>>> stream(net::grpc::Channel& channel, rt::Context ctx, std::string method, std::string request) {
  auto reader = co_await channel.server_stream(std::move(ctx), std::move(method), std::move(request));
  if (!reader) co_return Unexpected(std::move(reader).error());
  co_return Stream<Response>(std::move(*reader));
}

// What a handler answers into.
template <class Response>
class StreamSink {
 public:
  explicit StreamSink(net::grpc::StreamWriter& writer) : writer_(writer) {}
  // Waits while the client does not read; an error means that it is gone.
  rt::Task<Result<Unit>> write(const Response& response) { return writer_.write(encode<Response>(response)); }

 private:
  net::grpc::StreamWriter& writer_;
};

}  // namespace pintle::rpc
