// A unary call with typed messages.
#pragma once

#include <string>

#include "api/codec.h"
#include "net/grpc/channel.h"

namespace pintle::rpc {

template <class T>
std::string encode(const T& message) {
  std::string out;
  api::encode_proto(api::type_of<T>(), &message, out);
  return out;
}

template <class T>
Result<T> decode(std::string_view bytes) {
  T message;
  TRY(api::decode_proto(bytes, api::type_of<T>(), &message));
  return message;
}

// `timeout` zero: only the context's deadline.
template <class Response>
rt::Task<Result<Response>> call(net::grpc::Channel& channel, rt::Context ctx, rt::Duration timeout, std::string method, std::string request) {
  const rt::Context bounded = timeout > rt::Duration(0) ? ctx.with_timeout(timeout) : ctx;
  auto answer = co_await channel.unary(bounded, std::move(method), std::move(request));
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return decode<Response>(*answer);
}

}  // namespace pintle::rpc
