#include "apiserver/authentication/service_account/issuer.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/core_v1.h"
#include "apimachinery/identity/service_accounts.h"
#include "apimachinery/validation/field_errors.h"
#include "apiserver/types/errors.h"
#include "component/certificate/web_token.h"

namespace pintle::apiserver::authentication::service_account {
namespace {

using namespace api::core_v1;
using api::authentication_v1::TokenRequest;
using apimachinery::FieldErrors;
using apimachinery::FieldPath;

constexpr std::string_view group = "authentication.k8s.io";

std::string random_uuid(rt::Random& random) {
  uint64_t high = random.next_u64();
  uint64_t low = random.next_u64();
  high = (high & ~uint64_t{0xf000}) | 0x4000;                // version 4
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // RFC 4122's variant
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48, low & 0xffffffffffff);
}

Result<Unit> check_metadata(const TokenRequest& request, std::string_view ns, std::string_view name) {
  FieldErrors errors;
  if (!request.metadata.name.empty() && request.metadata.name != name)
    errors.invalid(FieldPath("metadata", "name"), request.metadata.name, "must be the service account's name, if it is given");
  else if (!request.metadata.namespace_.empty() && request.metadata.namespace_ != ns)
    errors.invalid(FieldPath("metadata", "namespace"), request.metadata.namespace_, "must be the service account's namespace, if it is given");
  return errors.result(group, "TokenRequest", name);
}

Result<Unit> check_spec(const TokenRequest& request) {
  FieldErrors errors;
  const FieldPath path("spec", "expirationSeconds");
  const int64_t asked = *request.spec.expiration_seconds;
  if (asked < expiration_seconds_min) errors.invalid(path, asked, "must not be less than 10 minutes");
  if (asked > expiration_seconds_max) errors.invalid(path, asked, "must not be more than 2^32 seconds");
  return errors.result(group, "TokenRequest", "");
}

}  // namespace

// What a token is bound to.
struct TokenIssuer::Binding {
  std::optional<ObjectRef> pod, node, secret;
  std::string uid;  // of the object that the request names
};

TokenIssuer::TokenIssuer(TokenIssuerConfig config, const rt::Clock& clock, rt::Random& random, const ResourceReader& reader)
    : config_(std::move(config)), clock_(clock), random_(random), reader_(reader) {}

int64_t TokenIssuer::seconds_now() const { return std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch()).count(); }

Result<TokenIssuer::Binding> TokenIssuer::bind(std::string_view ns, std::string_view name,
                                               const api::authentication_v1::BoundObjectReference& ref) const {
  Binding out;
  if (ref.api_version == "v1" && ref.kind == "Pod") {
    TRY_ASSIGN(const auto pod, reader_.get_as<Pod>({"", "pods"}, ns, ref.name));
    if (pod.spec.service_account_name != name)
      return bad_request(fmt::format("cannot bind token for serviceaccount \"{}\" to pod running with different serviceaccount name.", name));
    out.pod = ObjectRef{pod.metadata.name, pod.metadata.uid};
    out.uid = pod.metadata.uid;
    if (!pod.spec.node_name.empty()) {
      const auto node = reader_.get_as<Node>({"", "nodes"}, "", pod.spec.node_name);
      out.node = ObjectRef{pod.spec.node_name, node ? node->metadata.uid : std::string()};
    }
  } else if (ref.api_version == "v1" && ref.kind == "Node") {
    TRY_ASSIGN(const auto node, reader_.get_as<Node>({"", "nodes"}, "", ref.name));
    out.node = ObjectRef{node.metadata.name, node.metadata.uid};
    out.uid = node.metadata.uid;
  } else if (ref.api_version == "v1" && ref.kind == "Secret") {
    TRY_ASSIGN(const auto secret, reader_.get_as<Secret>({"", "secrets"}, ns, ref.name));
    out.secret = ObjectRef{secret.metadata.name, secret.metadata.uid};
    out.uid = secret.metadata.uid;
  } else {
    return bad_request(fmt::format("cannot bind token to object of type {}, Kind={}", ref.api_version, ref.kind));
  }
  if (!ref.uid.empty() && ref.uid != out.uid)
    return Unexpected(errors::conflict({"", ref.kind}, ref.name,
                                       fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The object might "
                                                   "have been deleted and then recreated",
                                                   ref.uid)));
  return out;
}

Result<Unit> TokenIssuer::prepare(std::string_view ns, std::string_view name, TokenRequest& request) const {
  TRY(check_metadata(request, ns, name));
  TRY_ASSIGN(const auto account, reader_.get_as<ServiceAccount>({"", "serviceaccounts"}, ns, name));
  if (!request.metadata.uid.empty() && request.metadata.uid != account.metadata.uid)
    return Unexpected(errors::conflict({std::string(group), "TokenRequest"}, name,
                                       fmt::format("the UID in the token request ({}) does not match the UID of the service account ({})",
                                                   request.metadata.uid, account.metadata.uid)));
  request.metadata.name = account.metadata.name;
  request.metadata.namespace_ = account.metadata.namespace_;
  request.metadata.uid = account.metadata.uid;
  request.metadata.creation_timestamp = api::Time{seconds_now(), 0};
  if (request.spec.audiences.empty()) request.spec.audiences = config_.audiences;
  if (!request.spec.expiration_seconds) request.spec.expiration_seconds = expiration_seconds_default;
  request.status = {};
  return check_spec(request);
}

Result<TokenRequest> TokenIssuer::issue(std::string_view ns, std::string_view name, TokenRequest request, std::vector<std::string>& warnings) {
  const int64_t now = seconds_now();
  Binding binding;
  if (request.spec.bound_object_ref) {
    TRY_ASSIGN(binding, bind(ns, name, *request.spec.bound_object_ref));
  }
  int64_t& asked = *request.spec.expiration_seconds;
  if (config_.max_expiration_seconds > 0 && asked > config_.max_expiration_seconds) {
    warnings.push_back(fmt::format("requested expiration of {} seconds shortened to {} seconds", asked, config_.max_expiration_seconds));
    asked = config_.max_expiration_seconds;
  }
  Claims claims;
  claims.issuer = config_.issuer;
  claims.subject = apimachinery::service_account_user(ns, name);
  claims.audiences = request.spec.audiences;
  claims.id = random_uuid(random_);
  claims.issued_at = claims.not_before = now;
  claims.expires = now + asked;
  claims.ns = ns;
  claims.account = {request.metadata.name, request.metadata.uid};
  claims.pod = binding.pod;
  claims.node = binding.node;
  claims.secret = binding.secret;
  const auto is_ours = [&](const std::string& audience) {
    return std::find(config_.audiences.begin(), config_.audiences.end(), audience) != config_.audiences.end();
  };
  if (config_.extend_expiration && binding.pod && asked == expiration_seconds_warn_only &&
      std::all_of(request.spec.audiences.begin(), request.spec.audiences.end(), is_ours)) {
    claims.warn_after = now + asked;
    claims.expires = now + expiration_seconds_extended;
  }
  TRY_ASSIGN(request.status.token, component::sign_web_token(config_.key, to_value(claims)));
  request.status.expiration_timestamp = api::Time{now + asked, 0};
  return request;
}

}  // namespace pintle::apiserver::authentication::service_account
