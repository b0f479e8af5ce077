// Discovery: what this server serves, in the plain form (/api, /apis, one document a group version) and the aggregated one, with what
// aggregated servers tell merged in. Plain documents are made at each request; the aggregated ones once after a change, when they are asked for,
// of the text of each group version, which is kept.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apimachinery/discovery/served_set.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/published/document.h"
#include "apiserver/published/further.h"
#include "apiserver/registry/installed_registry.h"
#include "base/mutex.h"
#include "rt/task.h"

namespace pintle::apiserver::endpoints {

class Discovery {
 public:
  // `server_address`: host:port that clients are told. `registry` and `further` (nullptr: none) outlive this.
  Discovery(rt::Runtime& runtime, const registry::InstalledRegistry& registry, const published::FurtherServers* further, std::string server_address)
      : runtime_(runtime), registry_(registry), further_(further), server_address_(std::move(server_address)) {}
  // False if `path` (without a slash at its end) is no path of discovery; the exchange is then untouched.
  bool handles(std::string_view path) const;
  rt::Task<void> serve(exchange::Exchange& exchange, std::string path);

 private:
  using Listed = published::FurtherServers::Listed;
  // One of the aggregated documents: /api or /apis, in the form v2 or v2beta1.
  struct Form {
    bool core = false, v2 = true;
    auto operator<=>(const Form&) const = default;
  };
  std::shared_ptr<const Listed> further() const;
  std::shared_ptr<const published::Document> aggregated(Form form);

  rt::Runtime& runtime_;
  const registry::InstalledRegistry& registry_;
  const published::FurtherServers* further_;
  std::string server_address_;

  ThreadMutex mutex_;
  // Of which moment the documents are.
  std::weak_ptr<const apimachinery::ServedSet> served_ GUARDED_BY(mutex_);
  uint64_t further_generation_ GUARDED_BY(mutex_) = 0;
  std::map<Form, std::shared_ptr<const published::Document>> aggregated_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::endpoints
