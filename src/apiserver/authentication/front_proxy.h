// A front proxy: a server that has authenticated its client and says in headers who that is. Believed only on a connection whose
// certificate the authorities of front proxies have signed, for an allowed name; from anybody else the headers mean nothing.
#pragma once

#include <string>
#include <vector>

#include "apiserver/authentication/authenticator.h"
#include "net/http.h"
#include "rt/clock.h"

namespace pintle::apiserver::authentication {

struct FrontProxyConfig {
  std::vector<std::string> allowed_names;          // common names; empty: whatever the authorities sign
  std::vector<std::string> username_headers;       // the first that has a value counts; empty: nobody is named
  std::vector<std::string> uid_headers;            // the same
  std::vector<std::string> group_headers;          // all values of all of them
  std::vector<std::string> extra_header_prefixes;  // what follows, in lower case and percent-decoded, is the key
};

class FrontProxyAuthenticator : public Authenticator {
 public:
  // The clock outlives this.
  FrontProxyAuthenticator(FrontProxyConfig config, const rt::Clock& clock) : config_(std::move(config)), clock_(clock) {}
  std::optional<AuthenticationResult> authenticate_now(const net::Request& request) override;
  // Takes away what names a user, whoever sent it: none of it goes on to another server.
  void drop_headers(net::Headers& headers) const;

 private:
  Result<Unit> check_proxy(const std::string& der) const;

  const FrontProxyConfig config_;
  const rt::Clock& clock_;
};

}  // namespace pintle::apiserver::authentication
