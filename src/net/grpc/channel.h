// Channel: gRPC calls to one server, over one HTTP/2 connection that is dialed when a call needs it and again after it broke.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/client.h"
#include "net/grpc/message.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::net::grpc {

struct ChannelOptions {
  std::string target;                        // "unix:///run/x.sock", "/run/x.sock", "http://host:port", "https://host:port"
  ClientOptions tls;                         // for https
  std::size_t message_bytes_max = 16 << 20;  // of an answer; then RequestEntityTooLarge
  rt::Duration dial_timeout = std::chrono::seconds(5);
};

class ClientConnection;
struct CallStream;

// The answers of a server-streaming call. Used by one task; destroying it cancels the call. Lives on the channel's executor.
class StreamReader {
 public:
  StreamReader(std::shared_ptr<ClientConnection> connection, std::shared_ptr<CallStream> stream, std::size_t message_bytes_max);
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;
  // The next message; nullopt: the call has ended with OK.
  rt::Task<Result<std::optional<std::string>>> next(rt::Context ctx);

 private:
  std::shared_ptr<ClientConnection> connection_;
  std::shared_ptr<CallStream> stream_;
  MessageReader messages_;
};

// Whether the error of a call says that no connection could be made: the server has heard nothing of it.
bool never_sent(const Status& status);

class Channel {
 public:
  // BadRequest for a target that cannot be one, and for certificates that cannot be used. Belongs to the current executor.
  static Result<std::unique_ptr<Channel>> make(rt::Runtime& runtime, ChannelOptions options);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // `method` is "/package.Service/Name". From any executor. Errors as to_status() makes them; ServiceUnavailable when there is
  // no server; Timeout and Cancelled from `ctx`, whose deadline the server is told.
  rt::Task<Result<std::string>> unary(rt::Context ctx, std::string method, std::string message);
  // On the channel's executor only. An error that the server answers with comes from the reader's first next().
  rt::Task<Result<std::unique_ptr<StreamReader>>> server_stream(rt::Context ctx, std::string method, std::string message);
  // On the channel's executor only. Dials unless there is a connection that takes calls.
  rt::Task<Result<Unit>> connect(rt::Context ctx);
  // Waits until there is none: the server has gone, or says that it will.
  rt::Task<Result<Unit>> disconnected(rt::Context ctx);
  // Ends the connection and what runs on it; no call afterwards. Await it before the channel is destroyed.
  rt::Task<void> close();

 private:
  struct State;
  explicit Channel(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace pintle::net::grpc
