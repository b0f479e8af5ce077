#include "cli/bootstrap_token.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/values.h"
#include "apimachinery/clock_time.h"
#include "apimachinery/table/duration.h"
#include "base/split.h"

namespace pintle::cli {

using api::core_v1::Secret;

namespace {

constexpr std::string_view home = "kube-system";
constexpr std::string_view secret_type = "bootstrap.kubernetes.io/token";
constexpr std::string_view name_prefix = "bootstrap-token-";
constexpr std::string_view usage_prefix = "usage-bootstrap-";
constexpr std::string_view group_prefix = "system:bootstrappers:";
constexpr std::size_t id_length = 6, secret_length = 16;

bool is_token_part(std::string_view text, std::size_t length) {
  return text.size() == length && std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]
bool is_join_group(std::string_view group) {
  if (!group.starts_with(group_prefix) || group.size() == group_prefix.size() || group.size() > group_prefix.size() + 256) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return letter(group.back()) && std::ranges::all_of(group.substr(group_prefix.size()), [&](char c) { return letter(c) || c == ':' || c == '-'; });
}

std::string text_at(const Secret& secret, std::string_view key) {
  const std::string* value = secret.data.get(key);
  return value ? *value : std::string();
}

std::string time_text(rt::WallTime time) { return api::format_time(apimachinery::to_api_time(time)); }

std::string ttl_text(const BootstrapToken& token, rt::WallTime now) {
  if (!token.expires) return "<forever>";
  return is_expired(token, now) ? "<expired>" : apimachinery::short_human_duration(*token.expires - now);
}

}  // namespace

std::string make_token_text(rt::Random& random) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string token;
  for (std::size_t i = 0; i < id_length + 1 + secret_length; ++i) token.push_back(i == id_length ? '.' : letters[random.below(letters.size())]);
  return token;
}

std::optional<std::string> token_id_of(std::string_view text) {
  const auto dot = text.find('.');
  if (!is_token_part(text.substr(0, dot), id_length)) return std::nullopt;
  if (dot != text.npos && !is_token_part(text.substr(dot + 1), secret_length)) return std::nullopt;
  return std::string(text.substr(0, id_length));
}

Result<Unit> check_token(const BootstrapToken& token) {
  if (!token_id_of(token.text) || token.text.size() != id_length + 1 + secret_length)
    return bad_request("a token has the form abcdef.0123456789abcdef (lower-case letters and digits)");
  for (const std::string& usage : token.usages)
    if (usage != "signing" && usage != "authentication")
      return bad_request("--usages: there is no usage \"" + usage + "\", only signing and authentication");
  for (const std::string& group : token.groups)
    if (!is_join_group(group))
      return bad_request("--groups: \"" + group + "\" must begin with " + std::string(group_prefix) +
                         " and go on with lower-case letters, digits, colons and dashes");
  return Unit{};
}

Secret secret_of(const BootstrapToken& token) {
  Secret out;
  out.metadata.namespace_ = home;
  out.metadata.name = std::string(name_prefix) + token.text.substr(0, id_length);
  out.type = secret_type;
  out.data["token-id"] = token.text.substr(0, id_length);
  out.data["token-secret"] = token.text.substr(id_length + 1);
  for (const std::string& usage : token.usages) out.data[std::string(usage_prefix) + usage] = "true";
  if (!token.groups.empty()) out.data["auth-extra-groups"] = fmt::format("{}", fmt::join(token.groups, ","));
  if (!token.description.empty()) out.data["description"] = token.description;
  if (token.expires) out.data["expiration"] = time_text(*token.expires);
  return out;
}

std::optional<BootstrapToken> token_of(const Secret& secret) {
  BootstrapToken out;
  out.text = text_at(secret, "token-id") + "." + text_at(secret, "token-secret");
  if (secret.type != secret_type || !token_id_of(out.text) || secret.metadata.name != std::string(name_prefix) + out.text.substr(0, id_length))
    return std::nullopt;
  out.description = text_at(secret, "description");
  const std::string groups = text_at(secret, "auth-extra-groups");
  out.groups.clear();  // the usual one, if there is no list
  for (const std::string_view group : split_words(groups, ',')) out.groups.emplace_back(group);
  out.usages.clear();
  for (const char* usage : {"authentication", "signing"})
    if (text_at(secret, std::string(usage_prefix) + usage) == "true") out.usages.emplace_back(usage);
  if (const std::string text = text_at(secret, "expiration"); !text.empty()) {
    const auto time = api::parse_time(text);
    // What cannot be read is past, as the API server takes it.
    out.expires = rt::WallTime(std::chrono::seconds(time ? time->seconds : 0));
  }
  return out;
}

bool is_expired(const BootstrapToken& token, rt::WallTime now) { return token.expires && *token.expires <= now; }

std::string format_tokens(const std::vector<BootstrapToken>& tokens, rt::WallTime now) {
  std::string out = fmt::format("{:<25} {:<11} {:<22} {:<24} {:<58} {}\n", "TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS");
  const auto joined = [](const std::vector<std::string>& list) {
    return list.empty() ? std::string("<none>") : fmt::format("{}", fmt::join(list, ","));
  };
  for (const BootstrapToken& token : tokens)
    out += fmt::format("{:<25} {:<11} {:<22} {:<24} {:<58} {}\n", token.text, ttl_text(token, now),
                       token.expires ? time_text(*token.expires) : "<never>", joined(token.usages),
                       token.description.empty() ? "<none>" : token.description, joined(token.groups));
  return out;
}

rt::Task<Result<std::vector<BootstrapToken>>> list_tokens(client::Client& client, rt::Context ctx) {
  client::ListOptions options;
  options.namespace_name = home;
  options.field_selector = "type=" + std::string(secret_type);
  CO_TRY_ASSIGN(const auto secrets, co_await client.list<Secret>(std::move(ctx), std::move(options)));
  std::vector<BootstrapToken> out;
  for (const Secret& secret : secrets.items)
    if (auto token = token_of(secret)) out.push_back(std::move(*token));
  std::ranges::sort(out, {}, &BootstrapToken::text);
  co_return out;
}

rt::Task<Result<Unit>> put_token(client::Client& client, rt::Context ctx, BootstrapToken token) {
  Secret wanted = secret_of(token);
  auto there = co_await client.get<Secret>(ctx, wanted.metadata.namespace_, wanted.metadata.name);
  if (there) {
    there->data = std::move(wanted.data);
    Secret changed = std::move(*there);
    auto written = co_await client.update<Secret>(std::move(ctx), std::move(changed));
    if (!written) co_return Unexpected(std::move(written).error());
    co_return Unit{};
  }
  if (there.error().reason != Reason::NotFound) co_return Unexpected(std::move(there).error());
  auto made = co_await client.create<Secret>(std::move(ctx), std::move(wanted));
  if (!made) co_return Unexpected(std::move(made).error());
  co_return Unit{};
}

rt::Task<Result<BootstrapToken>> get_token(client::Client& client, rt::Context ctx, std::string id) {
  CO_TRY_ASSIGN(const auto secret, co_await client.get<Secret>(std::move(ctx), std::string(home), std::string(name_prefix) + id));
  auto token = token_of(secret);
  if (!token) co_return error(Reason::NotFound, "the Secret of token " + id + " holds no bootstrap token");
  co_return std::move(*token);
}

}  // namespace pintle::cli
