// Limits: how many Events are let in, counted for the whole server, or for each namespace, user or source. Thread-safe.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/eventratelimit_v1alpha1.h"
#include "base/mutex.h"
#include "base/status.h"
#include "rt/rate_limiter.h"

namespace pintle::apiserver::admission::event_rate_limit {

using api::eventratelimit_v1alpha1::Configuration;

inline constexpr int remembered_default = 4096;
inline constexpr std::size_t key_bytes_max = 1024;  // of a longer key its beginning and its hash are kept

// Invalid with one line: no limits, one of an unknown type, numbers that are not positive.
Result<Unit> check(const Configuration& configuration);

// Who has sent which Event.
struct Sender {
  std::string_view ns;
  std::string_view user;
  const api::core_v1::Event* event = nullptr;
};

class Limits {
 public:
  // `configuration` has passed check(); `clock` outlives this.
  Limits(const rt::Clock& clock, const Configuration& configuration);
  // Takes a token of each limit, also where another has none left. TooManyRequests (429) names those that are reached.
  Result<Unit> take(const Sender& sender);

 private:
  // One limit: a bucket for each key; the one that was used longest ago is forgotten.
  class Limit {
   public:
    Limit(const rt::Clock& clock, api::eventratelimit_v1alpha1::Limit wanted);
    std::string key_of(const Sender& sender) const;
    bool take(const std::string& key);
    const std::string& type() const { return wanted_.type; }

   private:
    struct Bucket {
      Bucket(std::string of, const rt::Clock& clock, double per_second, double burst) : key(std::move(of)), tokens(clock, per_second, burst) {}
      const std::string key;
      rt::RateLimiter tokens;
    };
    const rt::Clock& clock_;
    const api::eventratelimit_v1alpha1::Limit wanted_;
    const std::size_t remembered_;
    ThreadMutex mutex_;
    std::list<Bucket> buckets_ GUARDED_BY(mutex_);  // the last used first
    std::unordered_map<std::string, std::list<Bucket>::iterator> by_key_ GUARDED_BY(mutex_);
  };
  std::vector<std::unique_ptr<Limit>> limits_;
};

}  // namespace pintle::apiserver::admission::event_rate_limit
