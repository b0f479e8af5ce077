// SecretTokenUses: is told of each use of a token that a Secret keeps.
#pragma once

#include "api/gen/core_v1.h"

namespace pintle::apiserver::authentication::service_account {

enum class SecretTokenUse {
  Manual,
  Automatic,  // its account lists the Secret, as those do whose token a manager of old made unasked
  Refused,    // the Secret is labelled invalid
};

class SecretTokenUses {
 public:
  virtual ~SecretTokenUses() = default;
  // Thread-safe; must not block. `secret` as it is stored.
  virtual void used(SecretTokenUse use, const api::core_v1::Secret& secret) = 0;
};

}  // namespace pintle::apiserver::authentication::service_account
