// Access: who may ask the kubelet, as its configuration says: component/serving/access.h with the node's subresources. Thread-safe.
#pragma once

#include <optional>
#include <string>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "client/access_reviews.h"
#include "client/client.h"
#include "component/serving/access.h"
#include "kubelet/server/attributes.h"
#include "net/http.h"
#include "rt/clock.h"

namespace pintle::kubelet::server {

using User = component::UserInfo;

struct AccessDeps {
  const rt::Clock& clock;
  client::Client* client = nullptr;  // nullptr: no API server; then only what needs none is allowed
};

struct AccessOptions {
  api::kubeletconfig_v1beta1::KubeletAuthentication authentication;
  api::kubeletconfig_v1beta1::KubeletAuthorization authorization;
  std::string node_name;
};

class Access {
 public:
  Access(AccessDeps deps, AccessOptions options);
  // Unauthorized: nobody, or nobody known.
  rt::Task<Result<User>> authenticate(rt::Context ctx, const net::Request& request) { return access_.authenticate(std::move(ctx), request); }
  // Forbidden or InternalError with upstream's words.
  rt::Task<Result<Unit>> authorize(rt::Context ctx, User user, RequestAttributes attributes);

 private:
  component::DelegatedAccessSetup setup();

  AccessDeps deps_;
  const AccessOptions options_;
  std::optional<client::AccessReviews> reviews_;
  component::DelegatedAccess access_;
};

}  // namespace pintle::kubelet::server
