#include "kubelet/container_config/environment.h"

#include <algorithm>

#include "codec/json_text.h"
#include "kubelet/container_config/expansion.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;

namespace {

bool is_optional(const std::optional<bool>& flag) { return flag && *flag; }

// Variables in the order in which they were first set.
class Variables {
 public:
  void set(const std::string& name, std::string value) {
    const auto [it, added] = index_.emplace(name, items_.size());
    if (added)
      items_.emplace_back(name, std::move(value));
    else
      items_[it->second].second = std::move(value);
  }
  const std::string* get(std::string_view name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? nullptr : &items_[it->second].second;
  }
  EnvironmentVariables take() { return std::move(items_); }

 private:
  EnvironmentVariables items_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

// The object under `name`; null when it is missing and may be.
template <class Ptr>
Result<Ptr> find_object(const std::map<std::string, Result<Ptr>, std::less<>>& objects, std::string_view name, bool optional) {
  const auto it = objects.find(name);
  CHECK(it != objects.end(), "every object that the environment refers to is looked up before");
  if (it->second) return *it->second;
  if (optional && it->second.error().reason == Reason::NotFound) return Ptr();
  return Unexpected(it->second.error());
}

class Builder {
 public:
  explicit Builder(const EnvironmentInputs& inputs)
      : in_(inputs),
        services_(service_variables(inputs.services, inputs.pod.metadata.namespace_, inputs.pod.spec.enable_service_links.value_or(true))) {}

  Result<EnvironmentVariables> build() {
    for (const core::EnvFromSource& source : in_.container.env_from) TRY(add_source(source));
    for (const core::EnvVar& variable : in_.container.env) TRY(add_variable(variable));
    for (auto& [name, value] : services_)
      if (!variables_.get(name)) variables_.set(name, value);
    return variables_.take();
  }

 private:
  Result<Unit> add_source(const core::EnvFromSource& source) {
    if (source.config_map_ref) {
      TRY_ASSIGN(const referenced_objects::ConfigMapPtr object,
                 find_object(in_.config_maps, source.config_map_ref->name, is_optional(source.config_map_ref->optional)));
      if (object) add_all(object->data, source.prefix);
    } else if (source.secret_ref) {
      TRY_ASSIGN(const referenced_objects::SecretPtr object,
                 find_object(in_.secrets, source.secret_ref->name, is_optional(source.secret_ref->optional)));
      if (object) add_all(object->data, source.prefix);
    }
    return Unit{};
  }
  void add_all(const FlatMap<std::string>& data, const std::string& prefix) {
    for (const auto& [key, value] : data) variables_.set(prefix + key, value);
  }

  Result<Unit> add_variable(const core::EnvVar& variable) {
    if (!variable.value.empty() || !variable.value_from) {
      variables_.set(variable.name, expand(variable.value, [this](std::string_view name) { return lookup(name); }));
      return Unit{};
    }
    TRY_ASSIGN(std::optional<std::string> value, resolve(*variable.value_from));
    if (value) variables_.set(variable.name, std::move(*value));
    return Unit{};
  }
  std::optional<std::string> lookup(std::string_view name) const {
    if (const std::string* own = variables_.get(name)) return *own;
    for (const auto& [service, value] : services_)
      if (service == name) return value;
    return std::nullopt;
  }

  // nullopt: an optional source that is missing.
  Result<std::optional<std::string>> resolve(const core::EnvVarSource& source) {
    if (source.field_ref) {
      TRY_ASSIGN(std::string value, downward::field_value(in_.pod, source.field_ref->field_path, in_.addresses));
      return value;
    }
    if (source.resource_field_ref) {
      TRY_ASSIGN(std::string value, downward::resource_value_text(in_.pod, &in_.container, *source.resource_field_ref, in_.node_allocatable));
      return value;
    }
    if (source.config_map_key_ref) {
      const core::ConfigMapKeySelector& ref = *source.config_map_key_ref;
      TRY_ASSIGN(const referenced_objects::ConfigMapPtr object, find_object(in_.config_maps, ref.name, is_optional(ref.optional)));
      return key_of(object ? &object->data : nullptr, ref.key, is_optional(ref.optional), "ConfigMap", ref.name);
    }
    if (source.secret_key_ref) {
      const core::SecretKeySelector& ref = *source.secret_key_ref;
      TRY_ASSIGN(const referenced_objects::SecretPtr object, find_object(in_.secrets, ref.name, is_optional(ref.optional)));
      return key_of(object ? &object->data : nullptr, ref.key, is_optional(ref.optional), "Secret", ref.name);
    }
    if (source.file_key_ref) return from_file(*source.file_key_ref);
    return std::optional<std::string>(std::string());
  }
  Result<std::optional<std::string>> key_of(const FlatMap<std::string>* data, const std::string& key, bool optional, std::string_view kind,
                                            const std::string& name) const {
    if (!data) return std::optional<std::string>();
    if (const std::string* value = data->get(key)) return std::optional<std::string>(*value);
    if (optional) return std::optional<std::string>();
    return error(Reason::NotFound, "couldn't find key " + key + " in " + std::string(kind) + " " + in_.pod.metadata.namespace_ + "/" + name);
  }
  Result<std::optional<std::string>> from_file(const core::FileKeySelector& ref) const {
    TRY_ASSIGN(const std::string text, in_.volume_file(ref.volume_name, ref.path));
    auto value = env_file_value(text, ref.key);
    if (!value) return error(Reason::Invalid, "couldn't parse env file");
    if (!value->empty()) return std::optional<std::string>(std::move(*value));
    if (is_optional(ref.optional)) return std::optional<std::string>();
    return error(Reason::NotFound, "environment variable key " + codec::go_quote(ref.key) + " not found in file " + codec::go_quote(ref.path));
  }

  const EnvironmentInputs& in_;
  EnvironmentVariables services_;
  Variables variables_;
};

std::string_view trim_left(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// Takes the next line; false at the end.
bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const std::size_t end = text.find('\n');
  line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

// A value from after its opening quote, over as many lines as it takes.
Result<std::string> quoted_value(std::string_view rest, std::string_view& text) {
  std::string value;
  while (true) {
    const std::size_t close = rest.find('\'');
    value += rest.substr(0, close);
    if (close != std::string_view::npos) {
      const std::string_view after = trim_left(rest.substr(close + 1));
      if (!after.empty() && !after.starts_with('#')) return error(Reason::Invalid, "unexpected content after closing quote");
      return value;
    }
    value += '\n';
    if (!next_line(text, rest)) return error(Reason::Invalid, "unclosed single quote");
  }
}

}  // namespace

Result<EnvironmentVariables> make_environment(const EnvironmentInputs& inputs) { return Builder(inputs).build(); }

referenced_objects::ObjectNames environment_names(const core::Container& container) {
  referenced_objects::ObjectNames out;
  for (const core::EnvFromSource& source : container.env_from) {
    if (source.config_map_ref) out.config_maps.insert(source.config_map_ref->name);
    if (source.secret_ref) out.secrets.insert(source.secret_ref->name);
  }
  for (const core::EnvVar& variable : container.env) {
    if (!variable.value_from) continue;
    if (variable.value_from->config_map_key_ref) out.config_maps.insert(variable.value_from->config_map_key_ref->name);
    if (variable.value_from->secret_key_ref) out.secrets.insert(variable.value_from->secret_key_ref->name);
  }
  return out;
}

Result<std::string> env_file_value(std::string_view text, std::string_view key) {
  std::string_view line;
  while (next_line(text, line)) {
    line = trim_left(line);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return error(Reason::Invalid, "missing '='");
    const std::string_view name = line.substr(0, equals);
    if (name.empty() || name.ends_with(' ') || name.ends_with('\t')) return error(Reason::Invalid, "not a variable name");
    const std::string_view rest = line.substr(equals + 1);
    // As in a shell: a space after the equals sign ends the value.
    if (rest.starts_with(' ') || rest.starts_with('\t')) {
      if (name == key) return std::string();
      continue;
    }
    if (!rest.starts_with('\'')) return error(Reason::Invalid, "value must be enclosed in single quotes");
    TRY_ASSIGN(std::string value, quoted_value(rest.substr(1), text));
    if (name == key) return value;
  }
  return std::string();
}

}  // namespace pintle::kubelet::container_config
