// Client certificates: the common name is the user, the organizations are the groups.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>

#include "apiserver/authentication/authenticator.h"
#include "base/mutex.h"
#include "component/certificate/certificate.h"
#include "rt/clock.h"

namespace pintle::apiserver::authentication {

// The user of a leaf certificate given as DER; nullopt if it has no common name, which stands for no user.
AuthenticationResult user_of_certificate(std::string_view der);

class X509Authenticator : public Authenticator {
 public:
  // The clock outlives this.
  explicit X509Authenticator(const rt::Clock& clock) : clock_(clock) {}
  std::optional<AuthenticationResult> authenticate_now(const net::Request& request) override;

 private:
  struct Known {
    std::weak_ptr<const net::PeerCertificates> peer;
    int64_t not_before = 0;
    int64_t not_after = 0;
    AuthenticationResult result;
  };
  std::shared_ptr<const Known> look_up(const std::shared_ptr<const net::PeerCertificates>& peer);

  const rt::Clock& clock_;
  ThreadMutex mutex_;
  // One entry a connection: the certificate is read once.
  std::unordered_map<const net::PeerCertificates*, std::shared_ptr<const Known>> known_ GUARDED_BY(mutex_);
  std::size_t sweep_at_ GUARDED_BY(mutex_) = 64;  // entries at which those of closed connections are dropped
};

}  // namespace pintle::apiserver::authentication
