// DelegatedAccess: who asks a component, and whether they may. A client certificate that the CA signed or a bearer token says who; the
// API server is asked about tokens (TokenReview) and about what they may (SubjectAccessReview), and its answers are kept for a while.
#pragma once

#include <map>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "net/http.h"
#include "rt/clock.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::component {

// As authentication.k8s.io has it.
struct UserInfo {
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

// What is to be done: to a path, or to a resource of the API where `path` is empty.
struct AccessAttributes {
  std::string verb;
  std::string path;
  std::string group, version, resource, subresource, name;
};

// Asks the API server; client::AccessReviews does so through a client. An error: it did not say.
class AccessReviewer {
 public:
  virtual ~AccessReviewer() = default;
  // nullopt: nobody's token.
  virtual rt::Task<Result<std::optional<UserInfo>>> review_token(rt::Context ctx, std::string token) = 0;
  virtual rt::Task<Result<bool>> review_access(rt::Context ctx, UserInfo user, AccessAttributes attributes) = 0;
};

// What an answer about access depends on, as the key it is remembered by. Each text follows its length: whatever a name or a group may
// hold, no two questions share a key.
std::string access_key(const UserInfo& user, const AccessAttributes& attributes);

struct DelegatedAccessSetup {
  const rt::Clock& clock;
  AccessReviewer* reviewer = nullptr;  // nullptr: tokens are nobody's, and about access there is no answer
  bool anonymous = true;               // those who show nothing are system:anonymous; false: Unauthorized
  bool tokens = true;                  // false: they are nobody's
  rt::Duration token_ttl = std::chrono::seconds(10);
  rt::Duration allowed_ttl = std::chrono::seconds(10);
  rt::Duration denied_ttl = std::chrono::seconds(10);
};

constexpr std::size_t access_answers_max = 4096;  // kept of each sort; then the oldest go

// Thread-safe.
class DelegatedAccess {
 public:
  explicit DelegatedAccess(DelegatedAccessSetup setup) : setup_(setup) {}
  // Unauthorized: nobody, or nobody known. A credential that was shown and is no good never makes its sender anonymous.
  rt::Task<Result<UserInfo>> authenticate(rt::Context ctx, const net::Request& request);
  // The reviewer's error, or ServiceUnavailable where there is none.
  rt::Task<Result<bool>> is_allowed(rt::Context ctx, UserInfo user, AccessAttributes attributes);

 private:
  template <class T>
  struct Cache {
    struct Entry {
      T value;
      rt::TimePoint until;
    };
    std::map<std::string, Entry> entries;
    std::optional<T> get(const std::string& key, rt::TimePoint now);
    void put(std::string key, T value, rt::TimePoint now, rt::TimePoint until);
  };
  rt::Task<Result<std::optional<UserInfo>>> user_of_token(rt::Context ctx, std::string token);

  DelegatedAccessSetup setup_;
  ThreadMutex mutex_;
  Cache<std::optional<UserInfo>> tokens_ GUARDED_BY(mutex_);
  Cache<bool> decisions_ GUARDED_BY(mutex_);
};

}  // namespace pintle::component
