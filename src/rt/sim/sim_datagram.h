// A simulated datagram socket and what waits in it.
#pragma once

#include <deque>

#include "rt/sim/sim_network.h"

namespace pintle::rt {

struct SimNetwork::DatagramSocket {
  struct Message {
    Endpoint from;
    std::string data;
  };
  Host host;
  Endpoint local;
  Endpoint peer;  // port 0: any
  bool reuse_port = false;
  bool closed = false;
  bool refused = false;  // the peer of a connected socket has nobody at its port
  std::deque<Message> waiting;
  Event arrived;
};

class SimDatagram final : public Datagram {
 public:
  SimDatagram(SimNetwork& network, std::shared_ptr<SimNetwork::DatagramSocket> socket) : network_(network), socket_(std::move(socket)) {}
  ~SimDatagram() override { close(); }
  Task<Result<Received>> receive_from(Context ctx, std::span<char> out) override;
  Task<Result<Unit>> send_to(Context ctx, std::string_view data, Endpoint to) override;
  Endpoint local() const override { return socket_->local; }
  void close() override { network_.close_datagram(*socket_); }

 private:
  SimNetwork& network_;
  std::shared_ptr<SimNetwork::DatagramSocket> socket_;
};

}  // namespace pintle::rt
