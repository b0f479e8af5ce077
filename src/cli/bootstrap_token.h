// Bootstrap tokens, with which nodes join: Secrets of kube-system, as kubeadm makes and lists them. Pure, but for the last three.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "rt/clock.h"

namespace pintle::cli {

inline constexpr std::string_view join_group = "system:bootstrappers:kubeadm:default-node-token";
inline constexpr const char* token_ttl_default = "24h0m0s";

struct BootstrapToken {
  std::string text;  // id.secret
  std::string description;
  std::vector<std::string> usages = {"signing", "authentication"};
  std::vector<std::string> groups = {std::string(join_group)};
  std::optional<rt::WallTime> expires;  // absent: never
};

// Drawn by chance: 6 and 16 characters, some 80 bits of them secret.
std::string make_token_text(rt::Random& random);
// "abcdef" of "abcdef", and of "abcdef.0123456789abcdef"; nullopt: it is neither.
std::optional<std::string> token_id_of(std::string_view text);
// BadRequest: a text of another form, an unknown usage, a group that bootstrap tokens may not give.
Result<Unit> check_token(const BootstrapToken& token);

api::core_v1::Secret secret_of(const BootstrapToken& token);
// nullopt: the Secret is no bootstrap token.
std::optional<BootstrapToken> token_of(const api::core_v1::Secret& secret);
bool is_expired(const BootstrapToken& token, rt::WallTime now);
// The table of `pintle token list`.
std::string format_tokens(const std::vector<BootstrapToken>& tokens, rt::WallTime now);

// All of a cluster, by id.
rt::Task<Result<std::vector<BootstrapToken>>> list_tokens(client::Client& client, rt::Context ctx);
// Creates its Secret, or gives the one of that id this state.
rt::Task<Result<Unit>> put_token(client::Client& client, rt::Context ctx, BootstrapToken token);
// NotFound if there is none.
rt::Task<Result<BootstrapToken>> get_token(client::Client& client, rt::Context ctx, std::string id);

}  // namespace pintle::cli
