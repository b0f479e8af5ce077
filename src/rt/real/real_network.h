#pragma once

#include "rt/network.h"
#include "rt/real/blocking_pool.h"

namespace pintle::rt {

// The machine's network. Names resolve on the blocking pool.
class RealNetwork final : public Network {
 public:
  explicit RealNetwork(BlockingPool& pool) : pool_(pool) {}
  Result<std::unique_ptr<Listener>> listen(Endpoint endpoint, ListenOptions options) override;
  Task<Result<std::unique_ptr<Stream>>> connect(Context ctx, Endpoint endpoint) override;
  Result<std::unique_ptr<Listener>> listen_unix(std::string path) override;
  Task<Result<std::unique_ptr<Stream>>> connect_unix(Context ctx, std::string path) override;
  Result<std::unique_ptr<Datagram>> bind_datagram(Endpoint endpoint, DatagramOptions options) override;
  Task<Result<std::vector<std::string>>> resolve(Context ctx, std::string host) override;

 private:
  BlockingPool& pool_;
};

}  // namespace pintle::rt
