// PodTokens: the bound service account tokens of one pod, asked for by TokenRequest and asked for anew when four fifths of
// their life are over (or after a day). Belongs to one executor.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "client/client.h"
#include "rt/runtime.h"

namespace pintle::kubelet::tokens {

struct TokenTimes {
  rt::WallTime issued;
  rt::WallTime expires;
};
// When to ask for a new one; `jitter` makes it up to that much sooner, so that a node's tokens do not come due together.
rt::WallTime token_refresh_time(const TokenTimes& times, rt::Duration jitter);

struct IssuedToken {
  std::string text;
  rt::WallTime expires;
};

class PodTokens {
 public:
  PodTokens(rt::Runtime& runtime, client::Client& client) : runtime_(runtime), client_(client) {}

  // Errors: "failed to fetch token: ..." as upstream says; a token that is still valid is given out when a new one cannot
  // be had. `service_account_uid`: the token is of this account or of none; "": whichever has the name.
  rt::Task<Result<std::string>> get(rt::Context ctx, const api::core_v1::Pod& pod, const api::core_v1::ServiceAccountTokenProjection& source,
                                    std::string service_account_uid = std::string());
  rt::Task<Result<IssuedToken>> get_issued(rt::Context ctx, const api::core_v1::Pod& pod, const api::core_v1::ServiceAccountTokenProjection& source,
                                           std::string service_account_uid = std::string());
  // When the first of them wants a new request; nullopt: there are none.
  std::optional<rt::TimePoint> next_refresh() const;

 private:
  struct Token {
    std::string text;
    rt::WallTime expires;
    rt::WallTime refresh;
  };
  rt::Task<Result<Token>> request(rt::Context ctx, std::string namespace_name, std::string service_account,
                                  api::core_v1::ServiceAccountTokenProjection source, std::string pod_name, std::string pod_uid,
                                  std::string service_account_uid);

  rt::Runtime& runtime_;
  client::Client& client_;
  std::map<std::tuple<std::string, int64_t, std::string>, Token> tokens_;  // by audience, life in seconds and account
};

}  // namespace pintle::kubelet::tokens
