#include "apiserver/authentication/service_account/claims.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/core_v1.h"
#include "apimachinery/identity/service_accounts.h"
#include "apiserver/authentication/service_account/extra_keys.h"
#include "component/certificate/keys.h"

namespace pintle::apiserver::authentication::service_account {
namespace {

using namespace api::core_v1;

// Upstream's words: clients show them, and some look for them.
constexpr std::string_view automatic_token_warning =
    "Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.";

codec::Value to_value(const ObjectRef& ref) {
  codec::Value out{codec::Value::Object{}};
  if (!ref.name.empty()) out["name"] = ref.name;
  if (!ref.uid.empty()) out["uid"] = ref.uid;
  return out;
}

ObjectRef ref_from(const codec::Value& value) { return {std::string(value.string_at("name")), std::string(value.string_at("uid"))}; }

Result<Unit> read_time(const codec::Value& claims, std::string_view name, std::optional<int64_t>& out) {
  const codec::Value* value = claims.find(name);
  if (!value || value->is_null()) return Unit{};
  if (!value->is_number()) return bad_request(fmt::format("claim {} is no number", name));
  out = value->is_int() ? value->as_int() : static_cast<int64_t>(value->as_double());
  return Unit{};
}

Result<Unit> read_audiences(const codec::Value& claims, std::vector<std::string>& out) {
  const codec::Value* value = claims.find("aud");
  if (!value || value->is_null()) return Unit{};
  if (value->is_string()) {
    out.push_back(value->as_string());
    return Unit{};
  }
  if (!value->is_array()) return bad_request("claim aud is neither a string nor a list");
  for (const auto& item : value->as_array()) {
    if (!item.is_string()) return bad_request("claim aud holds something other than strings");
    out.push_back(item.as_string());
  }
  return Unit{};
}

void read_secret_token(const codec::Value& value, Claims& out) {
  apimachinery::SecretTokenClaims read = apimachinery::secret_token_claims(value);
  out.kept_in_secret = true;
  out.ns = std::move(read.ns);
  out.account = {std::move(read.account), std::move(read.account_uid)};
  out.secret = ObjectRef{std::move(read.secret), {}};
}

// An object that was deleted a while ago and only waits for its finalizers is as good as gone.
bool deleted_before(const api::meta_v1::ObjectMeta& metadata, int64_t seconds) {
  return metadata.deletion_timestamp && metadata.deletion_timestamp->seconds < seconds;
}

template <class T>
Result<Unit> check_bound(const char* kind, const char* resource, std::string_view ns, const ObjectRef& ref, int64_t oldest_deletion,
                         const ResourceReader& reader) {
  const auto object = reader.get_as<T>({"", resource}, ns, ref.name);
  if (!object) return unauthorized("service account token has been invalidated");
  if (object->metadata.uid != ref.uid)
    return unauthorized(fmt::format("{} UID ({}) does not match service account {} ref claim ({})", kind, object->metadata.uid, kind, ref.uid));
  if (deleted_before(object->metadata, oldest_deletion)) return unauthorized("service account token has been invalidated");
  return Unit{};
}

Result<Unit> check_times(const Claims& claims, int64_t now) {
  if (claims.not_before && now + leeway_seconds < *claims.not_before) return unauthorized("service account token is not valid yet");
  if (claims.expires && now - leeway_seconds > *claims.expires) return unauthorized("service account token has expired");
  if (claims.issued_at && now + leeway_seconds < *claims.issued_at) return unauthorized("service account token is issued in the future");
  return Unit{};
}

Result<ServiceAccount> valid_account(const Claims& claims, int64_t oldest_deletion, const ResourceReader& reader) {
  auto account = reader.get_as<ServiceAccount>({"", "serviceaccounts"}, claims.ns, claims.account.name);
  if (!account) return unauthorized(account.error().message);
  if (account->metadata.uid != claims.account.uid)
    return unauthorized(fmt::format("service account UID ({}) does not match claim ({})", account->metadata.uid, claims.account.uid));
  if (deleted_before(account->metadata, oldest_deletion))
    return unauthorized(fmt::format("service account {}/{} has been deleted", claims.ns, claims.account.name));
  return std::move(*account);
}

Result<Unit> check_secret_token_claims(const Claims& claims) {
  const std::pair<const char*, const std::string*> needed[] = {{"sub", &claims.subject},
                                                               {"namespace", &claims.ns},
                                                               {"secretName", &claims.secret->name},
                                                               {"serviceAccountName", &claims.account.name},
                                                               {"serviceAccountUID", &claims.account.uid}};
  for (const auto& [name, value] : needed)
    if (value->empty()) return unauthorized(fmt::format("{} claim is missing", name));
  if (claims.subject != apimachinery::service_account_user(claims.ns, claims.account.name)) return unauthorized("sub claim is invalid");
  return Unit{};
}

// The Secret and the account of the token are there still; which use of it this is.
Result<SecretTokenUse> check_secret_token(const Claims& claims, std::string_view token, const Validation& against) {
  const auto secret = against.reader.get_as<Secret>({"", "secrets"}, claims.ns, claims.secret->name);
  if (!secret || secret->metadata.deletion_timestamp) return unauthorized("Token has been invalidated");
  const std::string* copy = secret->data.get("token");
  if (!copy || !component::equal_in_constant_time(*copy, token)) return unauthorized("Token does not match server's copy");
  TRY_ASSIGN(const ServiceAccount account, valid_account(claims, INT64_MAX, against.reader));
  const std::string* invalid_since = secret->metadata.labels.get(apimachinery::invalid_since_label);
  const bool listed = std::ranges::any_of(account.secrets, [&](const ObjectReference& ref) { return ref.name == secret->metadata.name; });
  SecretTokenUse use = listed ? SecretTokenUse::Automatic : SecretTokenUse::Manual;
  if (invalid_since != nullptr && !invalid_since->empty()) use = SecretTokenUse::Refused;
  if (against.uses != nullptr) against.uses->used(use, *secret);
  if (use != SecretTokenUse::Refused) return use;
  return unauthorized(
      fmt::format("the token in secret {}/{} for service account {}/{} has been marked invalid; without the label '{}' on the secret it holds again",
                  claims.ns, secret->metadata.name, claims.ns, claims.account.name, apimachinery::invalid_since_label));
}

Result<Unit> check_bindings(const Claims& claims, int64_t oldest_deletion, const ResourceReader& reader) {
  if (claims.secret) TRY(check_bound<Secret>("secret", "secrets", claims.ns, *claims.secret, oldest_deletion, reader));
  if (claims.pod) TRY(check_bound<Pod>("pod", "pods", claims.ns, *claims.pod, oldest_deletion, reader));
  // Beside a pod the node is information alone.
  if (claims.node && !claims.pod) TRY(check_bound<Node>("node", "nodes", "", *claims.node, oldest_deletion, reader));
  return Unit{};
}

UserInfo user_of(const Claims& claims) {
  UserInfo user;
  user.name = apimachinery::service_account_user(claims.ns, claims.account.name);
  user.uid = claims.account.uid;
  user.groups = apimachinery::service_account_groups(claims.ns);
  const auto set = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) user.extra[key] = {value};
  };
  if (claims.pod && !claims.pod->name.empty() && !claims.pod->uid.empty()) {
    set(extra_pod_name, claims.pod->name);
    set(extra_pod_uid, claims.pod->uid);
  }
  if (claims.node && !claims.node->name.empty()) {
    set(extra_node_name, claims.node->name);
    set(extra_node_uid, claims.node->uid);
  }
  if (!claims.id.empty()) set(extra_credential_id, "JTI=" + claims.id);
  return user;
}

}  // namespace

codec::Value to_value(const Claims& claims) {
  codec::Value out;
  codec::Value::Array audiences;
  for (const auto& audience : claims.audiences) audiences.emplace_back(audience);
  out["aud"] = std::move(audiences);
  if (claims.expires) out["exp"] = *claims.expires;
  if (claims.issued_at) out["iat"] = *claims.issued_at;
  out["iss"] = claims.issuer;
  if (!claims.id.empty()) out["jti"] = claims.id;
  if (claims.not_before) out["nbf"] = *claims.not_before;
  out["sub"] = claims.subject;
  codec::Value& own = out["kubernetes.io"];
  own["namespace"] = claims.ns;
  own["serviceaccount"] = to_value(claims.account);
  if (claims.pod) own["pod"] = to_value(*claims.pod);
  if (claims.node) own["node"] = to_value(*claims.node);
  if (claims.secret) own["secret"] = to_value(*claims.secret);
  if (claims.warn_after) own["warnafter"] = *claims.warn_after;
  return out;
}

Result<Claims> claims_from(const codec::Value& value) {
  Claims out;
  out.issuer = value.string_at("iss");
  out.subject = value.string_at("sub");
  out.id = value.string_at("jti");
  TRY(read_audiences(value, out.audiences));
  TRY(read_time(value, "iat", out.issued_at));
  TRY(read_time(value, "nbf", out.not_before));
  TRY(read_time(value, "exp", out.expires));
  if (out.issuer == apimachinery::secret_token_issuer) {
    read_secret_token(value, out);
    return out;
  }
  const codec::Value* own = value.find("kubernetes.io");
  if (!own || !own->is_object()) return out;
  out.ns = own->string_at("namespace");
  if (const auto* account = own->find("serviceaccount")) out.account = ref_from(*account);
  if (const auto* pod = own->find("pod")) out.pod = ref_from(*pod);
  if (const auto* node = own->find("node")) out.node = ref_from(*node);
  if (const auto* secret = own->find("secret")) out.secret = ref_from(*secret);
  TRY(read_time(*own, "warnafter", out.warn_after));
  return out;
}

Result<AuthenticationResponse> validate(const Claims& claims, std::string_view token, const Validation& against) {
  AuthenticationResponse out;
  if (claims.kept_in_secret) {
    TRY(check_secret_token_claims(claims));
    if (against.lookup) {
      TRY_ASSIGN(const SecretTokenUse use, check_secret_token(claims, token, against));
      if (use == SecretTokenUse::Automatic) out.warnings.emplace_back(automatic_token_warning);
    }
  } else {
    TRY(check_times(claims, against.now_seconds));
    TRY(valid_account(claims, against.now_seconds - leeway_seconds, against.reader));
    TRY(check_bindings(claims, against.now_seconds - leeway_seconds, against.reader));
  }
  out.user = user_of(claims);
  return out;
}

}  // namespace pintle::apiserver::authentication::service_account
