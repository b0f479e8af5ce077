// FurtherServers: what other servers, whose group versions clients reach through this one, tell of their API. Whoever aggregates them sets it;
// discovery and OpenAPI documents are this server's own with these merged in. Thread-safe; a change shows in the next answer.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/apidiscovery_v2.h"
#include "apimachinery/discovery/priority.h"
#include "apiserver/exchange/exchange.h"
#include "base/mutex.h"
#include "codec/value.h"
#include "rt/task.h"

namespace pintle::apiserver::published {

// Of all servers together; what is beyond is not merged, and an error told when it is set.
constexpr std::size_t further_servers_max = 1024;

// One group version of another server: what one APIService stands for.
struct FurtherVersion {
  std::string group, version;
  apimachinery::DiscoveryPriority priority;
  // Its resources, as in the server's aggregated discovery (or made of its plain one); `version` is set from the above, freshness "Current" or
  // "Stale". A version without resources is told of as well.
  api::apidiscovery_v2::APIVersionDiscovery discovery;

  // The server's whole version 2 document, parsed; nullptr: it has none. Of it the paths below /apis/<group>/<version>/ are merged, with the
  // definitions and parameters that they reach. What bears the name of something else is renamed with "_v2", "_v3" ...; what differs in
  // descriptions alone is the same.
  std::shared_ptr<const codec::Value> openapi_v2;
  // Its document /openapi/v3/apis/<group>/<version>, under the hash that its server tells; empty: none is told of.
  std::string openapi_v3_hash;
  // Answers GET of that document, query and conditional headers included (the server's answer handed through, or an error).
  std::function<rt::Task<void>(exchange::Exchange&)> serve_openapi_v3;
};

class FurtherServers {
 public:
  struct Listed {
    // The name of the APIService -> its version.
    std::map<std::string, std::shared_ptr<const FurtherVersion>, std::less<>> versions;
    uint64_t generation = 0;  // differs after each change
  };

  // New, or in the place of what was set under this name. TooManyRequests beyond further_servers_max.
  Result<Unit> set(std::string name, FurtherVersion version);
  void remove(std::string_view name);
  std::shared_ptr<const Listed> listed() const;

 private:
  mutable ThreadMutex mutex_;
  std::shared_ptr<const Listed> listed_ GUARDED_BY(mutex_) = std::make_shared<Listed>();
};

}  // namespace pintle::apiserver::published
