// Access: who may ask the kubelet. A client certificate that the CA signed or a bearer token says who; the API server is
// asked about tokens (TokenReview) and about what they may (SubjectAccessReview), and its answers are kept for a while.
// Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/gen/authentication_v1.h"
#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/mutex.h"
#include "client/client.h"
#include "kubelet/server/attributes.h"
#include "net/http.h"
#include "rt/clock.h"

namespace pintle::kubelet::server {

using User = api::authentication_v1::UserInfo;

// What an authorization answer depends on, as the key it is remembered by. Each text follows its length: whatever a name or a
// group may hold, no two users share a key.
std::string decision_key(const User& user, std::string_view verb, std::string_view subresource);

struct AccessDeps {
  const rt::Clock& clock;
  client::Client* client = nullptr;  // nullptr: no API server; then only what needs none is allowed
  api::kubeletconfig_v1beta1::KubeletAuthentication authentication;
  api::kubeletconfig_v1beta1::KubeletAuthorization authorization;
  std::string node_name;
};

constexpr std::size_t access_answers_max = 4096;  // kept of each sort; then the oldest go

class Access {
 public:
  explicit Access(AccessDeps deps) : deps_(std::move(deps)) {}
  // Unauthorized: nobody, or nobody known.
  rt::Task<Result<User>> authenticate(rt::Context ctx, const net::Request& request);
  // Forbidden or InternalError with upstream's words.
  rt::Task<Result<Unit>> authorize(rt::Context ctx, User user, RequestAttributes attributes);

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
  rt::Task<Result<std::optional<User>>> user_of_token(rt::Context ctx, std::string token);
  rt::Task<Result<bool>> allowed(rt::Context ctx, User user, std::string verb, std::string subresource);

  AccessDeps deps_;
  ThreadMutex mutex_;
  Cache<std::optional<User>> tokens_ GUARDED_BY(mutex_);
  Cache<bool> decisions_ GUARDED_BY(mutex_);
};

}  // namespace pintle::kubelet::server
