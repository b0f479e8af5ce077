#include "kubelet/server/access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pintle::kubelet::server {

Access::Access(AccessDeps deps, AccessOptions options) : deps_(std::move(deps)), options_(std::move(options)), access_(setup()) {}

component::DelegatedAccessSetup Access::setup() {
  if (deps_.client != nullptr) reviews_.emplace(*deps_.client);
  component::DelegatedAccessSetup out{.clock = deps_.clock, .reviewer = reviews_ ? &*reviews_ : nullptr};
  out.anonymous = options_.authentication.anonymous.enabled.value_or(false);
  out.tokens = options_.authentication.webhook.enabled.value_or(true);
  out.token_ttl = rt::Duration(options_.authentication.webhook.cache_ttl.nanos);
  out.allowed_ttl = rt::Duration(options_.authorization.webhook.cache_authorized_ttl.nanos);
  out.denied_ttl = rt::Duration(options_.authorization.webhook.cache_unauthorized_ttl.nanos);
  return out;
}

rt::Task<Result<Unit>> Access::authorize(rt::Context ctx, User user, RequestAttributes attributes) {
  if (options_.authorization.mode == "AlwaysAllow") co_return Unit{};
  for (const std::string& subresource : attributes.subresources) {
    component::AccessAttributes about;
    about.verb = attributes.verb;
    about.version = "v1";
    about.resource = "nodes";
    about.subresource = subresource;
    about.name = options_.node_name;
    auto decision = co_await access_.is_allowed(ctx, user, std::move(about));
    if (!decision)
      co_return internal(
          fmt::format("Authorization error (user={}, verb={}, resource=nodes, subresource={})", user.username, attributes.verb, subresource));
    if (*decision) co_return Unit{};
  }
  co_return error(Reason::Forbidden, fmt::format("Forbidden (user={}, verb={}, resource=nodes, subresource(s)=[{}])\n", user.username,
                                                 attributes.verb, fmt::join(attributes.subresources, " ")));
}

}  // namespace pintle::kubelet::server
