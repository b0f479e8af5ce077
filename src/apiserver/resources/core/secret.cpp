#include "api/gen/core_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "base/flat_map_merge.h"
#include "codec/json.h"
#include "component/certificate/certificate.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

constexpr std::size_t data_bytes_max = 1 << 20;

class SecretStrategy : public registry::TypedStrategy<core::Secret> {
 public:
  // stringData is for writing only: it lands in data.
  void set_defaults(core::Secret& secret) const override {
    add_or_replace(secret.data, secret.string_data);
    secret.string_data.clear();
    if (secret.type.empty()) secret.type = "Opaque";
  }

  void warnings(const RequestScope&, const core::Secret& secret, const core::Secret*, std::vector<std::string>& out) const override {
    if (secret.type != "kubernetes.io/tls") return;
    const std::string* certificate = secret.data.get("tls.crt");
    const auto parsed = component::certificates_from_pem(certificate != nullptr ? *certificate : std::string());
    if (!parsed || parsed->empty()) out.emplace_back("tls: no PEM certificate in tls.crt");
  }

  void prepare_for_update(const RequestScope&, core::Secret& secret, const core::Secret& old) const override {
    if (secret.type.empty()) secret.type = old.type;
  }

  void validate(const RequestScope&, const core::Secret& secret, FieldErrors& errors) const override {
    const FieldPath data("data");
    std::size_t bytes = 0;
    for (const auto& [key, value] : secret.data) {
      errors.invalid_all(data.key(key), key, apimachinery::check_config_map_key(key));
      bytes += value.size();
    }
    if (bytes > data_bytes_max) errors.too_long(data, data_bytes_max);
    const auto require = [&](std::string_view key) {
      if (!secret.data.contains(key)) errors.required(data.key(key));
    };
    const auto require_json = [&](std::string_view key) {
      const std::string* value = secret.data.get(key);
      if (value == nullptr) {
        errors.required(data.key(key));
      } else if (!codec::parse_json(*value)) {
        errors.invalid(data.key(key), "<secret contents redacted>", "must be JSON");
      }
    };
    if (secret.type == "kubernetes.io/service-account-token") {
      const std::string* account = secret.metadata.annotations.get("kubernetes.io/service-account.name");
      if (account == nullptr || account->empty()) errors.required(FieldPath("metadata", "annotations").key("kubernetes.io/service-account.name"));
    } else if (secret.type == "kubernetes.io/dockercfg") {
      require_json(".dockercfg");
    } else if (secret.type == "kubernetes.io/dockerconfigjson") {
      require_json(".dockerconfigjson");
    } else if (secret.type == "kubernetes.io/basic-auth") {
      if (!secret.data.contains("username") && !secret.data.contains("password")) {
        errors.required(data.key("username"));
        errors.required(data.key("password"));
      }
    } else if (secret.type == "kubernetes.io/ssh-auth") {
      const std::string* key = secret.data.get("ssh-privatekey");
      if (key == nullptr || key->empty()) errors.required(data.key("ssh-privatekey"));
    } else if (secret.type == "kubernetes.io/tls") {
      require("tls.crt");
      require("tls.key");
    }
  }

  void validate_update(const RequestScope&, const core::Secret& secret, const core::Secret& old, FieldErrors& errors) const override {
    if (secret.type != old.type) errors.invalid(FieldPath("type"), secret.type, "field is immutable");
    if (!old.immutable.value_or(false)) return;
    if (!secret.immutable.value_or(false)) errors.forbidden(FieldPath("immutable"), "field is immutable when `immutable` is set");
    if (secret.data != old.data) errors.forbidden(FieldPath("data"), "field is immutable when `immutable` is set");
  }

  void table_cells(const core::Secret& secret, registry::TableCells& cells) const override {
    cells.emplace_back(secret.metadata.name);
    cells.emplace_back(secret.type);
    cells.emplace_back(static_cast<int64_t>(secret.data.size()));
    cells.push_back(registry::TableCell::age(secret.metadata.creation_timestamp));
  }
};

}  // namespace

registry::ResourceDefinition secrets() {
  return {.resource = {"", "secrets"}, .strategy = std::make_shared<SecretStrategy>(), .selectable_fields = {{"type"}}};
}

}  // namespace pintle::apiserver::resources
