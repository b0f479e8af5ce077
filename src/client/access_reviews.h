// AccessReviews: what the API server says of a token (TokenReview) and of what somebody may do (SubjectAccessReview).
#pragma once

#include "client/client.h"
#include "component/serving/access.h"

namespace pintle::client {

class AccessReviews final : public component::AccessReviewer {
 public:
  // `client` outlives this.
  explicit AccessReviews(Client& client) : client_(client) {}
  rt::Task<Result<std::optional<component::UserInfo>>> review_token(rt::Context ctx, std::string token) override;
  rt::Task<Result<bool>> review_access(rt::Context ctx, component::UserInfo user, component::AccessAttributes attributes) override;

 private:
  Client& client_;
};

}  // namespace pintle::client
