// Bootstrap tokens (ID.SECRET), kept as secrets of kube-system: what a node joins a cluster with.
#pragma once

#include <string>
#include <vector>

#include "apiserver/authentication/authenticator.h"
#include "apiserver/types/resource_reader.h"
#include "rt/clock.h"

namespace pintle::apiserver::authentication {

class BootstrapTokenAuthenticator : public TokenAuthenticator {
 public:
  // Clock and reader outlive this.
  BootstrapTokenAuthenticator(std::vector<std::string> audiences, const rt::Clock& clock, const ResourceReader& reader)
      : audiences_(std::move(audiences)), clock_(clock), reader_(reader) {}
  std::optional<AuthenticationResult> authenticate_token_now(const std::string& token, const std::vector<std::string>& audiences) override;

 private:
  std::vector<std::string> audiences_;
  const rt::Clock& clock_;
  const ResourceReader& reader_;
};

}  // namespace pintle::apiserver::authentication
