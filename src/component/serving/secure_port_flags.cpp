// What the flags of a component say of its secure port.
#include "component/flags.h"
#include "component/serving/secure_port.h"
#include "component/serving/tls_version.h"

namespace pintle::component {

Result<Unit> read_secure_port(const FlagSet& flags, SecurePortOptions& out) {
  const int64_t port = flags.get_int("secure-port");
  if (port < 0 || port > 65535) return bad_request("--secure-port must be 0-65535");
  out.port = static_cast<uint16_t>(port);
  out.bind_address = flags.get_string("bind-address");
  out.cert_dir = flags.get_string("cert-dir");
  out.tls.cert_file = flags.get_string("tls-cert-file");
  out.tls.key_file = flags.get_string("tls-private-key-file");
  if (out.tls.cert_file.empty() != out.tls.key_file.empty()) return bad_request("--tls-cert-file and --tls-private-key-file go together");
  out.tls.client_ca_file = flags.get_string("client-ca-file");
  out.tls.cipher_suites = flags.get_list("tls-cipher-suites");
  TRY_ASSIGN(out.tls.min_version, parse_tls_min_version(flags.get_string("tls-min-version"), "--tls-min-version"));
  out.always_allow_paths = flags.get_list("authorization-always-allow-paths");
  out.token_ttl = flags.get_duration("authentication-token-webhook-cache-ttl");
  out.allowed_ttl = flags.get_duration("authorization-webhook-cache-authorized-ttl");
  out.denied_ttl = flags.get_duration("authorization-webhook-cache-unauthorized-ttl");
  return Unit{};
}

}  // namespace pintle::component
