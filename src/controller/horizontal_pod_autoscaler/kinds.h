// Kinds: which resource a kind is, asked of the API server once and kept: targets and described objects are named by kind, of the server's own
// or of custom resources.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "client/client.h"

namespace pintle::controller::horizontal_pod_autoscaler {

class Kinds {
 public:
  static constexpr std::size_t kinds_max = 1024;  // then all are asked for again
  static constexpr rt::Duration age_max = std::chrono::seconds(30);

  explicit Kinds(client::Client& client) : client_(client) {}
  // NotFound: no such kind is served.
  rt::Task<Result<client::Resource>> find(rt::Context ctx, std::string group, std::string kind);
  // The server does not know it where it was found: it is asked for again, if it was not just now.
  void doubt(const client::Resource& resource);

 private:
  struct Known {
    client::Resource resource;
    rt::TimePoint asked;
  };
  client::Client& client_;
  std::map<std::pair<std::string, std::string>, Known> known_;  // by group and kind
};

}  // namespace pintle::controller::horizontal_pod_autoscaler
